// Signing in, by password or by token.
const form = document.getElementById("sign-in");
const problem = document.getElementById("problem");

function showWay() {
  for (const part of form.querySelectorAll("[data-way]")) part.hidden = part.dataset.way !== form.elements.way.value;
}
for (const radio of form.elements.way) radio.addEventListener("change", showWay);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { way, user, password, token } = form.elements;
  const body = way.value === "token" ? { token: token.value.trim() } : { user: user.value, password: password.value };
  event.submitter.disabled = true;
  problem.textContent = "";
  try {
    const response = await fetch("/v1/session", { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });
    if (response.ok) {
      location.assign(form.dataset.next);
      return;
    }
    const told = await response.json();
    problem.textContent = [told.detail, told.advice].filter(Boolean).join(" ");
  } catch {
    problem.textContent = document.body.dataset.unreachable;
  } finally {
    event.submitter.disabled = false;
  }
});
showWay();
