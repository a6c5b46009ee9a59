// Rows of environment variables: added, removed, and hidden while they are secret.

/** Make the page's list of pairs editable; `#pair` is the template of a row. */
export function editPairs() {
  document.getElementById("add-pair")?.addEventListener("click", () => {
    const row = document.getElementById("pair").content.cloneNode(true).firstElementChild;
    document.getElementById("pairs").append(row);
    row.querySelector("[data-key]").focus();
  });
  document.getElementById("pairs")?.addEventListener("click", (event) => {
    const row = event.target.closest("[data-remove]")?.closest(".pair");
    if (row?.dataset.known) row.hidden = true;
    else row?.remove();
  });
  document.getElementById("pairs")?.addEventListener("change", (event) => {
    if (event.target.matches("[data-secret]")) event.target.closest(".pair").querySelector("[data-value]").type = event.target.checked ? "password" : "text";
  });
}

/** What the rows say: { env, secrets }. A known row that was taken out is null; a known
 * secret without a new value is left as it is. */
export function readPairs() {
  const found = { env: {}, secrets: {} };
  for (const row of document.querySelectorAll(".pair")) {
    const key = row.querySelector("[data-key]").value;
    const value = row.querySelector("[data-value]").value;
    const secret = row.dataset.isSecret !== undefined || row.querySelector("[data-secret]")?.checked;
    const section = found[secret ? "secrets" : "env"];
    if (!key || (row.dataset.isSecret !== undefined && !row.hidden && !value)) continue;
    section[key] = row.hidden ? null : value;
  }
  return found;
}
