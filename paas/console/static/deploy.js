// The form for a new deployment: what is filled in becomes the request's JSON, a folder is
// packed here, and the upload shows how far it is.
import { Problem, showWrong } from "./console.js";
import { put } from "./forms.js";
import { editPairs, readPairs } from "./pairs.js";
import { offerFiles } from "./source.js";

const form = document.getElementById("deploy");
const NUMBERS = new Set(["port", "cpu", "replicas.min", "replicas.max", "concurrency", "scaling.rps", "scaling.concurrency", "scaling.cpu", "scaling.memory", "timeouts.start"]);
let chosen = null; // { name, blob() }

// ---- the source

function showSource() {
  const kind = form.elements.source.value;
  for (const part of form.querySelectorAll("[data-source]")) part.hidden = !part.dataset.source.split(" ").includes(kind);
}
for (const radio of form.elements.source) radio.addEventListener("change", showSource);
showSource();

/** A repository over ssh takes a key, one over https a user and a password. */
function showLogin() {
  const over = /^(ssh:|[^/:]+@[^/]+:)/.test(form.elements["source.url"].value.trim()) ? "ssh" : "https";
  for (const part of form.querySelectorAll("[data-over]")) part.hidden = part.dataset.over !== over;
}
form.elements["source.url"].addEventListener("input", showLogin);
showLogin();

/** The first request after a sleep waits: said while the minimum is 0. */
function showCold() {
  const note = document.getElementById("cold");
  note.hidden = Number(form.elements["replicas.min"].value || note.dataset.default) > 0;
}
form.elements["replicas.min"].addEventListener("input", showCold);
showCold();

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

offerFiles(choose);

// ---- environment

const pairs = (name) => form.querySelector(`[data-pairs="${name}"]`);
for (const place of form.querySelectorAll("[data-pairs]")) editPairs(place);

// ---- the request

function specification() {
  const kind = form.elements.source.value;
  const builds = kind !== "image";
  const spec = { create: !form.dataset.service, source: { type: kind === "template" ? "archive" : kind }, traffic: form.elements.traffic.value };
  if (form.elements.inherit?.checked) spec.inherit = true;
  for (const input of form.querySelectorAll("input[name], textarea[name]")) {
    if (input.type === "radio" || ["service", "inherit"].includes(input.name) || hidden(input)) continue;
    if (input.type === "checkbox") {
      if (input.checked) put(spec, input.name.split("."), true);
    } else if (input.value) put(spec, input.name.split("."), NUMBERS.has(input.name) ? Number(input.value) : input.value);
  }
  const env = readPairs(pairs("env"));
  add(spec, "env", env.plain);
  add(spec, "secrets", env.secret);
  if (builds) {
    const build = readPairs(pairs("build"));
    add(spec, "build_args", build.plain);
    add(spec, "build_secrets", build.secret);
  }
  return spec;
}

/** What belongs to another source or another kind of login is not sent. */
const hidden = (input) => input.closest("[data-source]")?.hidden || input.closest("[data-over]")?.hidden;

function add(spec, section, pairs) {
  if (Object.keys(pairs).length) spec[section] = pairs;
}

/** The archive that is sent: the chosen one, or that of the language's sample. */
async function archive() {
  if (form.elements.source.value !== "template") {
    if (!chosen) throw new Problem({ detail: form.dataset.nothing });
    tell(form.dataset.packing);
    return { name: chosen.name, blob: await chosen.blob() };
  }
  const language = document.getElementById("language").value;
  const answer = await fetch(`/templates/${language}.tar`);
  if (!answer.ok) throw new Problem({ code: String(answer.status), detail: form.dataset.unreachable });
  return { name: `${language}.tar`, blob: await answer.blob() };
}

async function body(spec) {
  if (spec.source.type !== "archive") return JSON.stringify(spec);
  const { name, blob } = await archive();
  if (blob.size > Number(form.dataset.limit)) throw new Problem({ detail: form.dataset.large });
  const data = new FormData();
  data.append("spec", JSON.stringify(spec));
  data.append("archive", blob, name);
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

function complain(error) {
  const elsewhere = showWrong(form, error);
  const marked = error.errors.length - elsewhere.length;
  const told = marked > 0 ? form.dataset.wrong.replace("{count}", marked) : [error.message, error.advice].filter(Boolean).join(" ");
  const lines = [told, ...elsewhere];
  const rows = lines.map((line) => {
    const row = document.createElement("p");
    row.className = "problem";
    row.textContent = line;
    return row;
  });
  document.getElementById("problem").replaceChildren(...rows);
  document.getElementById("progress").hidden = true;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("[type=submit]");
  document.getElementById("problem").replaceChildren();
  button.disabled = true;
  try {
    const service = form.dataset.service || form.elements.service.value.trim();
    if (!service) throw new Problem({ detail: form.dataset.unnamed, errors: [{ field: "service", message: form.dataset.unnamed }] });
    const content = await body(specification());
    const deployment = await send(`/v1/services/${encodeURIComponent(service)}/deployments`, content);
    location.assign(`/deployments/${deployment.id}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(error);
  } finally {
    button.disabled = false;
  }
});
