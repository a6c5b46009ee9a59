// The form for a new deployment: what is filled in becomes the request's JSON, a folder is
// packed here, and the upload shows how far it is.
import { Problem, showWrong } from "./console.js";
import { editPairs, readPairs } from "./pairs.js";
import { pack } from "./tar.js";

const form = document.getElementById("deploy");
const NUMBERS = new Set(["port", "cpu", "replicas.min", "replicas.max", "concurrency", "scaling.rps", "scaling.concurrency", "scaling.cpu", "scaling.memory"]);
let chosen = null; // { name, blob() }

// ---- the source

function showSource() {
  const kind = form.elements.source.value;
  for (const part of form.querySelectorAll("[data-source]")) part.hidden = !part.dataset.source.split(" ").includes(kind);
}
for (const radio of form.elements.source) radio.addEventListener("change", showSource);
showSource();

function choose(name, blob) {
  chosen = { name, blob };
  document.getElementById("chosen").textContent = name;
  const service = form.elements.service;
  if (service && !service.value) service.value = serviceName(name);
}

function serviceName(name) {
  const plain = name.replace(/\.(zip|tar|tar\.gz|tgz)$/i, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^[-0-9]+/, "").replace(/(-[0-9]{3,})+$/, "").slice(0, 40).replace(/-+$/, "");
}

document.getElementById("file").addEventListener("change", (event) => {
  const [file] = event.target.files;
  if (file) choose(file.name, async () => file);
});
document.getElementById("folder").addEventListener("change", (event) => {
  const files = [...event.target.files].map((file) => ({ path: file.webkitRelativePath, file }));
  if (files.length) choose(files[0].path.split("/")[0], () => pack(files));
});

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
  if (entry?.isDirectory) choose(entry.name, async () => pack(await walk(entry, "")));
  else if (item?.getAsFile()) {
    const file = item.getAsFile();
    choose(file.name, async () => file);
  }
});

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

// ---- environment

editPairs();

// ---- the request

function specification() {
  const kind = form.elements.source.value;
  const spec = { create: !form.dataset.service, source: { type: kind }, traffic: form.elements.traffic.value };
  if (form.elements.inherit?.checked) spec.inherit = true;
  for (const input of form.querySelectorAll("input[name]")) {
    if (["radio", "checkbox"].includes(input.type) || input.name === "service" || !input.value) continue;
    if (input.closest("[data-source]")?.hidden) continue;
    put(spec, input.name.split("."), NUMBERS.has(input.name) ? Number(input.value) : input.value);
  }
  for (const [section, pairs] of Object.entries(readPairs())) if (Object.keys(pairs).length) spec[section] = pairs;
  return spec;
}

function put(into, path, value) {
  const [first, ...rest] = path;
  if (!rest.length) into[first] = value;
  else put((into[first] ??= {}), rest, value);
}

async function body(spec) {
  if (spec.source.type !== "archive") return JSON.stringify(spec);
  if (!chosen) throw new Problem({ detail: form.dataset.nothing });
  tell(form.dataset.packing);
  const blob = await chosen.blob();
  if (blob.size > Number(form.dataset.limit)) throw new Problem({ detail: form.dataset.large });
  const data = new FormData();
  data.append("spec", JSON.stringify(spec));
  data.append("archive", blob, chosen.name);
  return data;
}

function tell(text, part) {
  document.getElementById("progress").hidden = false;
  document.getElementById("progress-text").textContent = text;
  const bar = document.getElementById("bar");
  if (part === undefined) bar.removeAttribute("value");
  else bar.value = part;
}

/** XMLHttpRequest, because fetch does not tell how much of an upload is sent. */
function send(path, content) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", document.querySelector('meta[name="csrf-token"]')?.content ?? "");
    if (typeof content === "string") request.setRequestHeader("Content-Type", "application/json");
    request.upload.onprogress = (event) => tell(`${form.dataset.sending} ${Math.round((100 * event.loaded) / event.total)} %`, event.loaded / event.total);
    request.onload = () => {
      let answer = { detail: request.statusText };
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        // not JSON: the status says enough
      }
      if (request.status === 202) done(answer);
      else fail(new Problem(answer));
    };
    request.onerror = () => fail(new Problem({ code: "unreachable", detail: form.dataset.unreachable }));
    request.send(content);
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = document.getElementById("problem");
  const button = form.querySelector("[type=submit]");
  problem.textContent = "";
  button.disabled = true;
  try {
    const service = form.dataset.service || form.elements.service.value;
    const content = await body(specification());
    const deployment = await send(`/v1/services/${encodeURIComponent(service || "-")}/deployments`, content);
    location.assign(`/deployments/${deployment.id}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    problem.textContent = [error.message, error.advice].filter(Boolean).join(" ");
    showWrong(form, error);
    document.getElementById("progress").hidden = true;
  } finally {
    button.disabled = false;
  }
});
