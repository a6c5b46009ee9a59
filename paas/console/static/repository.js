// A service's repository and webhook: what pushes deploy, the secret, and what came.
import { Problem, act, call, notice, showWrong } from "./console.js";
import { values } from "./forms.js";

const place = document.getElementById("repository");
const base = `/v1/services/${place.dataset.service}`;

/** Save a form's fields; empty ones are left out, or null when `nulls`. */
function saves(form, nulls) {
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.submitter, async () => {
      try {
        await call("PATCH", base, values(form, { nulls }));
      } catch (problem) {
        if (problem instanceof Problem) showWrong(form, problem);
        throw problem;
      }
      showWrong(form, { errors: [] });
      notice(place.dataset.saved);
    });
  });
}
saves(document.getElementById("source"), false);
saves(document.getElementById("push"), true);

document.getElementById("forget")?.addEventListener("click", (event) =>
  act(event.target, async () => {
    await call("PATCH", base, { repository: null });
    location.reload();
  }),
);

place.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "renew") renew(button);
  else if (button.id === "switch-off" && confirm(place.dataset.askOff)) act(button, () => call("DELETE", `${base}/hook`));
  else if (button.dataset.redeliver) act(button, () => call("POST", `${base}/deliveries/${button.dataset.redeliver}/redeliver`));
});

function renew(button) {
  if (button.dataset.on && !confirm(place.dataset.askNew)) return;
  act(button, async () => {
    const made = await call("POST", `${base}/hook`);
    document.getElementById("hook-url").textContent = made.url;
    document.getElementById("hook-secret").textContent = made.secret;
    document.getElementById("new-hook").hidden = false;
  });
}
