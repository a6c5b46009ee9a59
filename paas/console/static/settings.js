// A service's settings: environment (a new version), scaling, the service's own, deletion.
import { Problem, act, call, notice, showWrong } from "./console.js";
import { values } from "./forms.js";
import { editPairs, readPairs } from "./pairs.js";

const place = document.getElementById("settings");
const name = place.dataset.service;
const base = `/v1/services/${name}`;

editPairs(document.querySelector("[data-pairs]"));

/** What a form's submission does: `send` gets the form; wrong fields are shown in it. */
function on(form, send) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.submitter, async () => {
      try {
        await send(form);
      } catch (problem) {
        if (problem instanceof Problem) showWrong(form, problem);
        throw problem;
      }
      showWrong(form, { errors: [] });
    });
  });
}

async function save(path, changes) {
  await call("PATCH", path, changes);
  notice(place.dataset.saved);
}

on(document.getElementById("environment"), async (form) => {
  const source = { type: "version", version: form.dataset.version };
  const { plain: env, secret: secrets } = readPairs(form);
  const deployment = await call("POST", `${base}/deployments`, { source, env, secrets });
  location.assign(`/deployments/${deployment.id}`);
});

for (const form of place.querySelectorAll("form.scaling")) on(form, () => save(`${base}/versions/${form.dataset.version}`, values(form, { nulls: true })));

on(document.getElementById("service"), (form) => save(base, values(form, { nulls: true })));

on(document.getElementById("reach"), (form) => {
  const wanted = values(form, { nulls: true });
  return save(base, { ...wanted, allow: wanted.allow ?? [] });
});

on(document.getElementById("auth"), async (form) => {
  await save(base, values(form));
  location.reload();
});
document.getElementById("auth-off")?.addEventListener("click", (event) =>
  act(event.target, async () => {
    await save(base, { basic_auth: null });
    location.reload();
  }),
);

// ---- requests that are no traffic

const rules = document.getElementById("ignore");

on(rules, () => save(base, { ignore: [...rules.querySelectorAll("#rules .rule")].map(readRule).filter((rule) => rule.path_prefix || rule.user_agent) }));
document.getElementById("add-rule")?.addEventListener("click", () => {
  const made = document.getElementById("rule").content.cloneNode(true).firstElementChild;
  document.getElementById("rules").append(made);
  made.querySelector("input").focus();
});
rules.addEventListener("click", (event) => event.target.closest("[data-remove]")?.closest(".rule").remove());

function readRule(row) {
  const text = (part) => row.querySelector(`[data-${part}]`).value.trim();
  return { path_prefix: text("path") || null, user_agent: text("agent") || null, status: Number(text("status") || 200) };
}

// ---- the end of it

const confirmation = document.getElementById("delete");
confirmation?.elements.confirm.addEventListener("input", (event) => {
  confirmation.querySelector("button").disabled = event.target.value !== name;
});
on(confirmation, async () => {
  await call("DELETE", `${base}?confirm=${name}`);
  location.assign("/");
});
