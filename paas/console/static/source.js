// Choosing local code: an archive, a folder, or either dropped onto the page.
import { pack } from "./tar.js";

/** Call `choose(name, blob)` with a name and a function that makes the archive. */
export function offerFiles(choose) {
  document.getElementById("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) choose(file.name, async () => file);
  });
  document.getElementById("folder").addEventListener("change", (event) => {
    const files = [...event.target.files].map((file) => ({ path: inside(file.webkitRelativePath), file }));
    if (files.length) choose(event.target.files[0].webkitRelativePath.split("/")[0], () => pack(files));
  });
  for (const button of document.querySelectorAll("[data-choose]")) button.addEventListener("click", () => document.getElementById(button.dataset.choose).click());
  const drop = document.getElementById("drop");
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    const [item] = event.dataTransfer.items;
    const entry = item?.webkitGetAsEntry();
    if (entry?.isDirectory) choose(entry.name, async () => pack(await below(entry)));
    else if (item?.getAsFile()) {
      const file = item.getAsFile();
      choose(file.name, async () => file);
    }
  });
}

/** The path without the chosen folder's own name. */
const inside = (path) => path.slice(path.indexOf("/") + 1);

const below = async (entry) => (await walk(entry, "")).map(({ path, file }) => ({ path: inside(path), file }));

/** All files below a dropped directory. */
async function walk(entry, above) {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) return [{ path, file: await new Promise((done, fail) => entry.file(done, fail)) }];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map((one) => walk(one, path)))).flat();
}
