// A service's output: the last lines and what comes, narrowed by version, replica and text.
import { follow } from "./log.js";

const form = document.getElementById("filters");
const log = document.getElementById("log");
let end = () => {};

function start() {
  end();
  log.replaceChildren();
  const query = new URLSearchParams({ limit: "1000", follow: "true" });
  for (const name of ["version", "replica"]) if (form.elements[name].value) query.set(name, form.elements[name].value);
  log.dataset.source = `/v1/services/${form.dataset.service}/logs?${query}`;
  end = follow(log, {
    line: (data) => `${data.time.slice(11, 19)} ${data.version} ${data.text}`,
    drawn: narrow,
    following: () => document.getElementById("following").checked,
  });
}

/** Hide the lines without the text. */
function narrow() {
  const text = form.elements.text.value.toLowerCase();
  for (const row of log.children) row.hidden = text !== "" && !row.textContent.toLowerCase().includes(text);
}

form.addEventListener("submit", (event) => event.preventDefault());
for (const name of ["version", "replica"]) form.elements[name].addEventListener("change", start);
form.elements.text.addEventListener("input", narrow);
start();
