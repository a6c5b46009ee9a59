// The host: what takes room, and the logins of registries.
import { act, call } from "./console.js";

const place = document.getElementById("host");

async function collect(button, dry) {
  await act(button, async () => {
    const found = await call("POST", "/v1/gc", { dry_run: dry });
    const rows = [...found.removed, ...found.kept.map((one) => ({ ...one, reason: place.dataset.kept }))];
    const words = found.removed.length ? (dry ? place.dataset.would : place.dataset.removed) : place.dataset.nothing;
    document.getElementById("collected-text").textContent = words.replace("{count}", found.removed.length).replace("{size}", size(found.bytes));
    const box = document.getElementById("collected");
    const table = box.querySelector("table");
    table.tBodies[0].replaceChildren(...rows.map(row));
    table.hidden = !rows.length;
    box.hidden = false;
  });
}

function row(one) {
  const made = document.createElement("tr");
  const labels = [...document.querySelectorAll("#collected thead th")].map((head) => head.textContent);
  [`${one.kind} ${one.id}`, one.service, size(one.bytes), one.reason].forEach((text, at) => {
    const cell = document.createElement("td");
    cell.dataset.label = labels[at];
    cell.textContent = text;
    made.append(cell);
  });
  return made;
}

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; bytes >= 1000 && at < units.length - 1; at++) bytes /= 1024;
  return `${bytes.toFixed(at && bytes < 100 ? 1 : 0)} ${units[at]}`;
}

document.getElementById("look").addEventListener("click", (event) => collect(event.target, true));
document.getElementById("collect").addEventListener("click", (event) => confirm(place.dataset.askGc) && collect(event.target, false));

document.getElementById("new-registry").addEventListener("submit", (event) => {
  event.preventDefault();
  const { registry, user, password, check } = event.target.elements;
  act(event.submitter, async () => {
    await call("PUT", `/v1/registries/${encodeURIComponent(registry.value.trim())}`, { user: user.value, password: password.value, check: check.checked });
    location.reload();
  });
});

place.addEventListener("click", (event) => {
  const host = event.target.closest("[data-registry]")?.dataset.registry;
  if (!host || !confirm(place.dataset.ask.replace("{host}", host))) return;
  act(event.target, async () => {
    await call("DELETE", `/v1/registries/${encodeURIComponent(host)}`);
    location.reload();
  });
});
