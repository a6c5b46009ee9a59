// A service's output: the last lines and what comes, narrowed by the daemon.
import { act, call } from "./console.js";
import { follow } from "./log.js";

const form = document.getElementById("filters");
const log = document.getElementById("log");
const note = document.getElementById("log-note");
const base = `/v1/services/${form.dataset.service}/logs`;
let end = () => {};

/** What the form asks for. */
function query(more) {
  const asked = new URLSearchParams(more);
  for (const name of ["version", "replica", "stream", "q"]) if (form.elements[name].value) asked.set(name, form.elements[name].value);
  const { value } = form.elements.since;
  if (value) asked.set("since", new Date(Date.now() - Number(value) * 1000).toISOString());
  return asked;
}

function start() {
  end();
  log.replaceChildren();
  note.textContent = form.dataset.none;
  log.dataset.source = `${base}?${query({ limit: "1000", follow: "true" })}`;
  end = follow(log, {
    line: shown,
    drawn: () => {
      note.textContent = form.dataset.shown.replace("{count}", log.childElementCount);
    },
    following: () => document.getElementById("following").checked,
  });
}

const shown = (line) => `${line.time.slice(0, 19).replace("T", " ")} ${line.version} ${line.text}`;

/** The lines that the form asks for, as a file. */
async function download() {
  const { items } = await call("GET", `${base}?${query({ limit: "1000" })}`);
  const lines = items.map((line) => `${line.time} ${line.version} ${line.replica ?? "-"} ${line.stream} ${line.text}\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "text/plain" }));
  link.download = `${form.dataset.service}.log`;
  link.click();
  URL.revokeObjectURL(link.href);
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", start);
let waiting;
form.elements.q.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(start, 300);
});
document.getElementById("download").addEventListener("click", (event) => act(event.target, download));
start();
