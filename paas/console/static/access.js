// Tokens, users and sessions: made and ended through the API.
import { act, call } from "./console.js";

const place = document.getElementById("access");

/** The form's fields that were filled in. */
const given = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

document.getElementById("new-token").addEventListener("submit", (event) => {
  event.preventDefault();
  const { days, ...wanted } = given(event.target);
  if (days) wanted.expires_in = Number(days) * 86400;
  act(event.submitter, async () => {
    const made = await call("POST", "/v1/tokens", wanted);
    event.target.reset();
    document.getElementById("created").hidden = false;
    document.getElementById("created-token").textContent = made.token;
  });
});

document.getElementById("new-user").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, async () => {
    await call("POST", "/v1/users", given(event.target));
    location.reload();
  });
});

place.addEventListener("click", (event) => {
  const button = event.target.closest("[data-path]");
  if (!button || !confirm(place.dataset.ask.replace("{name}", button.dataset.name))) return;
  act(button, async () => {
    await call("DELETE", button.dataset.path);
    location.reload();
  });
});
