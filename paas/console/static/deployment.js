// A deployment's page: its log as it comes, and the button that cancels it.
import { act, call } from "./console.js";
import { follow } from "./log.js";

follow(document.getElementById("log"));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-cancel]");
  if (button) act(button, () => call("POST", `/v1/deployments/${button.dataset.cancel}/cancel`));
});
