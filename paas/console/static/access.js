// Tokens, users and sessions: made and ended through the API.
import { Problem, act, call, showWrong } from "./console.js";

const place = document.getElementById("access");

/** The form's fields that were filled in. */
const given = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

/** Wrong fields are shown where they are, too. */
async function told(form, make) {
  try {
    return await make();
  } catch (problem) {
    if (problem instanceof Problem) showWrong(form, problem);
    throw problem;
  }
}

document.getElementById("new-token").addEventListener("submit", (event) => {
  event.preventDefault();
  const { days, ...wanted } = given(event.target);
  if (days) wanted.expires_in = Number(days) * 86400;
  act(event.submitter, async () => {
    const made = await told(event.target, () => call("POST", "/v1/tokens", wanted));
    event.target.reset();
    document.getElementById("created").hidden = false;
    document.getElementById("created-token").textContent = made.token;
  });
});

document.getElementById("new-user").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, async () => {
    await told(event.target, () => call("POST", "/v1/users", given(event.target)));
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

// ---- a user's role and password

const dialog = document.getElementById("edit-user");
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());

place.addEventListener("click", (event) => {
  const button = event.target.closest("[data-edit]");
  if (!button) return;
  const form = dialog.querySelector("form");
  form.reset();
  form.elements.role.value = button.dataset.role;
  dialog.dataset.user = button.dataset.edit;
  document.getElementById("edit-title").textContent = button.dataset.edit;
  dialog.showModal();
});

dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.submitter, async () => {
    await told(event.target, () => call("PATCH", `/v1/users/${encodeURIComponent(dialog.dataset.user)}`, given(event.target)));
    location.reload();
  });
});
