// A deployment's page: its log as it comes, and the button that cancels it.
import { act, call, notice } from "./console.js";
import { follow } from "./log.js";

follow(document.getElementById("log"));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-cancel]");
  if (button) act(button, () => call("POST", `/v1/deployments/${button.dataset.cancel}/cancel`));
});

document.getElementById("copy").addEventListener("click", (event) =>
  act(event.target, async () => {
    const lines = [...document.getElementById("log").children].map((row) => row.textContent);
    await copy(`${lines.join("\n")}\n`);
    notice(event.target.dataset.done);
  }),
);

/** Browsers give pages without HTTPS no clipboard; there the text is marked and copied. */
async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
