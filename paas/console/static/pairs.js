// Rows of names and values: added, removed, and hidden while they are secret.

/** Make the rows of a place editable: it has `[data-rows]`, a template of a row and `[data-add]`. */
export function editPairs(place) {
  const rows = place?.querySelector("[data-rows]");
  if (!rows) return;
  place.querySelector("[data-add]")?.addEventListener("click", () => {
    const row = place.querySelector("template").content.cloneNode(true).firstElementChild;
    rows.append(row);
    row.querySelector("[data-key]").focus();
  });
  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[data-remove]")?.closest(".pair");
    if (row?.dataset.known) row.hidden = true;
    else row?.remove();
  });
  rows.addEventListener("change", (event) => {
    if (event.target.matches("[data-secret]")) event.target.closest(".pair").querySelector("[data-value]").type = event.target.checked ? "password" : "text";
  });
}

/** What the rows say: { plain, secret }. A known row that was taken out is null; a known
 * secret without a new value is left as it is. */
export function readPairs(place) {
  const found = { plain: {}, secret: {} };
  for (const row of place.querySelectorAll(".pair")) {
    const key = row.querySelector("[data-key]").value;
    const value = row.querySelector("[data-value]").value;
    const secret = row.dataset.isSecret !== undefined || row.querySelector("[data-secret]")?.checked;
    const section = found[secret ? "secret" : "plain"];
    if (!key || (row.dataset.isSecret !== undefined && !row.hidden && !value)) continue;
    section[key] = row.hidden ? null : value;
  }
  return found;
}
