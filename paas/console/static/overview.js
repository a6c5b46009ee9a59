// A service's overview: the split as sliders and numbers, notes, rollback, deleting versions.
import { act, call, notice } from "./console.js";

const place = document.getElementById("overview");
const base = `/v1/services/${place.dataset.service}`;
const traffic = document.getElementById("traffic");
const note = document.getElementById("note");

for (const button of document.querySelectorAll("dialog [data-close]")) button.addEventListener("click", () => button.closest("dialog").close());

// The live part is replaced as it changes, so its buttons are listened to from outside.
place.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "edit-traffic") act(button, openTraffic);
  else if (button.id === "rollback") rollBack(button);
  else if (button.id === "offline") takeOffline(button);
  else if (button.dataset.allTo) moveAll(button);
  else if (button.dataset.note !== undefined) openNote(button.dataset);
  else if (button.dataset.delete) remove(button);
});

function rollBack(button) {
  if (confirm(place.dataset.askRollback)) act(button, () => call("POST", `${base}/rollback`, {}));
}

function moveAll(button) {
  const version = button.dataset.allTo;
  if (confirm(place.dataset.askAll.replace("{version}", version))) act(button, () => call("POST", `${base}/rollback`, { version }));
}

function takeOffline(button) {
  if (!confirm(place.dataset.askOffline)) return;
  act(button, async () => {
    const { items } = await call("GET", `${base}/versions`);
    const ready = items.filter((one) => one.status === "ready");
    await call("PUT", `${base}/traffic`, { split: Object.fromEntries(ready.map((one) => [one.name, 0])) });
  });
}

function remove(button) {
  const version = button.dataset.delete;
  if (confirm(place.dataset.askDelete.replace("{version}", version))) act(button, () => call("DELETE", `${base}/versions/${version}`));
}

// ---- note

function openNote({ note: version, text }) {
  note.dataset.version = version;
  document.getElementById("note-of").textContent = version;
  document.getElementById("note-text").value = text;
  note.showModal();
}

note.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("note-text").value;
  await act(event.submitter, async () => {
    await call("PATCH", `${base}/versions/${note.dataset.version}`, { note: text });
    note.close();
  });
});

// ---- traffic

async function openTraffic() {
  const { items } = await call("GET", `${base}/versions`);
  const rows = items.filter((one) => one.status === "ready").reverse().map(row);
  document.getElementById("weights").replaceChildren(...rows);
  sum();
  traffic.showModal();
}

function row({ name, weight }) {
  const made = document.getElementById("weight").content.cloneNode(true).firstElementChild;
  const [slider, number] = made.querySelectorAll("input");
  const label = made.querySelector("label");
  label.textContent = name;
  label.htmlFor = number.id = `weight-of-${name}`;
  slider.setAttribute("aria-label", name);
  made.dataset.version = name;
  slider.value = number.value = weight;
  slider.addEventListener("input", () => set(made, slider.value));
  number.addEventListener("input", () => set(made, number.value));
  made.querySelector("[data-all]").addEventListener("click", () => {
    for (const other of document.querySelectorAll(".weight")) set(other, other === made ? 100 : 0);
  });
  return made;
}

function set(made, value) {
  const [slider, number] = made.querySelectorAll("input");
  slider.value = value;
  if (number.value !== String(value)) number.value = value;
  sum();
}

function split() {
  return Object.fromEntries([...document.querySelectorAll(".weight")].map((made) => [made.dataset.version, Number(made.querySelector("[type=number]").value)]));
}

function sum() {
  const total = Object.values(split()).reduce((all, one) => all + one, 0);
  const words = traffic.querySelector("form").dataset;
  const right = total === 100 || total === 0;
  document.getElementById("sum").textContent = `${words.sum} ${total} %. ${total === 0 ? words.offline : right ? "" : words.right}`;
  document.getElementById("save-traffic").disabled = !right;
}

traffic.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await act(event.submitter, async () => {
    await call("PUT", `${base}/traffic`, { split: split() });
    traffic.close();
    notice(place.dataset.done);
  });
});
