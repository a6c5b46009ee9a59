// What every page needs: calls of the API with their problems shown, and notices.

/** The page's CSRF token; empty where the caller is known by other means. */
const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** A call of the API. Resolves to its JSON (null without content); rejects with a Problem. */
export async function call(method, path, body) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf() };
  if (body !== undefined && !(body instanceof FormData)) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined || body instanceof FormData ? body : JSON.stringify(body),
    });
  } catch (error) {
    throw new Problem({ code: "unreachable", detail: document.body.dataset.unreachable ?? String(error) });
  }
  if (response.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  const text = await response.text();
  const json = text ? JSON.parse(text) : null;
  if (!response.ok) throw new Problem(json ?? { code: String(response.status), detail: response.statusText });
  return json;
}

/** A refusal of the API: RFC 9457 with `code`, `advice` and the wrong fields in `errors`. */
export class Problem extends Error {
  constructor(details) {
    super(details.detail ?? details.title ?? details.code);
    this.code = details.code;
    this.advice = details.advice ?? "";
    this.errors = details.errors ?? [];
    this.log = details.log ?? [];
  }
}

/** Say something at the edge of the page; errors stay until they are dismissed. */
export function notice(text, { bad = false } = {}) {
  const place = document.getElementById("notices");
  const box = document.createElement("div");
  box.className = bad ? "notice bad" : "notice";
  box.textContent = text;
  place.append(box);
  if (bad) {
    box.tabIndex = 0;
    box.addEventListener("click", () => box.remove());
    box.addEventListener("keydown", (event) => event.key === "Escape" && box.remove());
  } else {
    setTimeout(() => box.remove(), 6000);
  }
}

/** Run an action of a button or form: it is disabled meanwhile, problems become notices. */
export async function act(element, action) {
  element.disabled = true;
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    notice([error.message, error.advice].filter(Boolean).join(" "), { bad: true });
  } finally {
    element.disabled = false;
  }
}

/** Put the wrong fields of a problem beside the form's inputs of that name, unfolding what
 * hides them. Returns what has no input, as lines of text. */
export function showWrong(form, problem) {
  for (const old of form.querySelectorAll(".wrong")) old.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    if (input.dataset.described !== undefined) input.setAttribute("aria-describedby", input.dataset.described);
  }
  const elsewhere = [];
  for (const { field, message } of problem.errors) {
    const input = inputOf(form, field);
    if (!input) {
      elsewhere.push(`${field} ${message}`);
      continue;
    }
    const told = document.createElement("p");
    told.className = "wrong";
    told.id = `wrong-${field}`;
    told.textContent = message;
    input.dataset.described ??= input.getAttribute("aria-describedby") ?? "";
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", told.id);
    for (let fold = input.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    (input.closest(".field") ?? input.closest(".pair") ?? input.parentElement).append(told);
  }
  form.querySelector("[aria-invalid]")?.focus();
  return elsewhere;
}

/** The input of that name, of a part of it, or of the variable that it names. */
function inputOf(form, field) {
  const parts = field.split(".");
  for (let count = parts.length; count; count--) {
    const found = form.querySelector(`[name="${CSS.escape(parts.slice(0, count).join("."))}"]:not([type=hidden])`);
    if (found && found.type !== "radio") return found;
  }
  if (!["env", "secrets"].includes(parts[0])) return null;
  const key = parts.slice(1).join(".");
  return [...form.querySelectorAll("[data-key]")].find((one) => one.value === key) ?? null;
}

// ---- live parts: once the visitor is signed out, the way back in

document.addEventListener(
  "error",
  (event) => {
    if (event.target.id === "live" && event.detail?.data) location.reload();
  },
  true,
);

document.getElementById("sign-out")?.addEventListener("click", (event) =>
  act(event.target, async () => {
    await call("DELETE", "/v1/session");
    location.assign("/sign-in");
  }),
);
