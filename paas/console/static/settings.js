// A service's settings: environment (a new version), scaling, the service's own, deletion.
import { act, call, notice } from "./console.js";
import { editPairs, readPairs } from "./pairs.js";

const place = document.getElementById("settings");
const name = place.dataset.service;
const base = `/v1/services/${name}`;

editPairs();

document.getElementById("environment")?.addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, async () => {
    const source = { type: "version", version: event.target.dataset.version };
    const deployment = await call("POST", `${base}/deployments`, { source, ...readPairs() });
    location.assign(`/deployments/${deployment.id}`);
  });
});

for (const form of place.querySelectorAll("form.scaling")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.submitter, async () => {
      await call("PATCH", `${base}/versions/${form.dataset.version}`, values(form));
      notice(place.dataset.saved);
    });
  });
}

document.getElementById("service").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  act(event.submitter, async () => {
    await call("PATCH", base, { ...values(form), ignore: ignored(form.elements.ignore) });
    notice(place.dataset.saved);
  });
});

/** The form's numbers, choices and marks as the API's JSON; empty numbers are null. */
function values(form) {
  const found = {};
  for (const input of form.elements) {
    if (!input.name || input.name === "ignore") continue;
    const [section, field] = input.name.split(".");
    const value = input.type === "checkbox" ? input.checked : input.type === "number" ? (input.value === "" ? null : Number(input.value)) : input.value;
    if (field) (found[section] ??= {})[field] = value;
    else found[section] = value;
  }
  return found;
}

/** One rule for each path; what the rules of other paths and user agents say stays. */
function ignored(area) {
  const known = JSON.parse(area.dataset.rules);
  const paths = area.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const others = known.filter((rule) => !rule.path_prefix);
  return [...others, ...paths.map((path) => known.find((rule) => rule.path_prefix === path) ?? { path_prefix: path })];
}

const confirmation = document.getElementById("delete");
confirmation.elements.confirm.addEventListener("input", (event) => {
  confirmation.querySelector("button").disabled = event.target.value !== name;
});
confirmation.addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, async () => {
    await call("DELETE", `${base}?confirm=${name}`);
    location.assign("/");
  });
});
