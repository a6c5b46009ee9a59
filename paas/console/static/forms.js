// A form as the JSON that the API wants: `a.b.c` as a name is a field within fields.

/** Numbers, choices and marks; empty numbers and texts are null when `nulls`, else left out. */
export function values(form, { nulls = false } = {}) {
  const found = {};
  for (const input of form.elements) {
    if (!input.name || (input.type === "radio" && !input.checked)) continue;
    const value = read(input);
    if (value !== null || nulls) put(found, input.name.split("."), value);
  }
  return found;
}

function read(input) {
  if (input.type === "checkbox") return input.checked;
  if (input.value === "") return null;
  if (input.dataset.list !== undefined) return lines(input.value);
  return input.type === "number" ? Number(input.value) : input.value;
}

/** The lines that are not empty. */
export function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

export function put(into, path, value) {
  const [first, ...rest] = path;
  if (!rest.length) into[first] = value;
  else put((into[first] ??= {}), rest, value);
}
