// Custom domains: add and remove.
import { act, call } from "./console.js";

const place = document.getElementById("domains");
const base = `/v1/services/${place.dataset.service}/domains`;

document.getElementById("add-domain")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  await act(event.submitter, async () => {
    await call("POST", base, { domain: form.elements.domain.value });
    form.reset();
  });
});

place.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove]");
  if (button && confirm(place.dataset.ask.replace("{domain}", button.dataset.remove))) act(button, () => call("DELETE", `${base}/${button.dataset.remove}`));
});
