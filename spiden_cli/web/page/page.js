// Sends a picture and settings, and shows what comes back. Nothing is kept but in this page.

import { show, start } from "/stage.js";

const body = document.body;
const by = (id) => document.getElementById(id);
const form = by("settings");
const ranges = ["strength", "chroma", "detail", "timesteps"].map(by);
const DELAY = 350; // milliseconds after the last move of a slider
const ASK_EVERY = 300;

let file = null;
let leftOut = 0; // files that were dropped with it
let about = { most_bytes: Infinity };
let running = null; // what ends the request that is on its way
let timer = 0;
let ownTimesteps = false;
let layers = [];
let report = null;

function percent(value) { return `${Math.round(100 * value)}%`; }

function mega(bytes) { return `${Math.round(bytes / 1e6)} MB`; }

function tellSettings() {
  if (by("chroma-same").checked) by("chroma").value = by("strength").value;
  for (const range of ranges) {
    const said = range.id === "timesteps" ? range.value : percent(range.value);
    form.querySelector(`output[for="${range.id}"]`).value = said;
  }
}

function fields() {
  const data = new FormData();
  data.append("strength", by("strength").value);
  data.append("detail", by("detail").value);
  if (!by("chroma-same").checked) data.append("chroma_strength", by("chroma").value);
  if (ownTimesteps) data.append("timesteps", by("timesteps").value);
  for (const id of ["sigma", "format"]) if (by(id).value) data.append(id, by(id).value);
  if (by("strip").checked) data.append("strip", "true");
  data.append("picture", file, file.name || "picture");
  return data;
}

function tell(said) {
  by("error").textContent = said;
  by("error").hidden = !said;
}

function fail(said) {
  tell(said);
  if (said && !report) { body.dataset.state = "empty"; file = null; by("file-name").textContent = ""; }
}

// A folder, or a file that has been changed or moved since it was chosen, can't be sent.
async function isReadable(chosen) {
  try {
    await chosen.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function watch(ticket, signal) {
  by("progress").removeAttribute("value");
  by("doing").textContent = "sending";
  while (!signal.aborted) {
    await new Promise((then) => setTimeout(then, ASK_EVERY));
    if (signal.aborted) return;
    const { ahead, done } = await (await fetch(`/progress/${ticket}`, { signal })).json();
    if (ahead === null) continue;
    by("doing").textContent = ahead ? `${ahead} before this one` : "denoising";
    if (done) by("progress").value = done; else by("progress").removeAttribute("value");
  }
}

function newTicket() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function denoise() {
  clearTimeout(timer);
  if (!file) return;
  running?.abort();
  const mine = (running = new AbortController());
  const ticket = newTicket();
  fail("");
  body.dataset.state = "busy";
  by("download").setAttribute("aria-disabled", "true");
  try {
    if (!(await isReadable(file))) {
      throw new Error(`${file.name} can’t be read: it is a folder, or was changed or moved since ` +
        "it was chosen. Choose it again.");
    }
    watch(ticket, mine.signal).catch(() => {});
    const response = await fetch(`/denoise?ticket=${ticket}`, {
      method: "POST", body: fields(), signal: mine.signal,
      headers: { Accept: "multipart/form-data" },
    });
    if (!response.ok) throw new Error((await response.json()).error);
    const parts = await response.formData();
    if (mine === running) await present(parts);
  } catch (error) {
    if (mine !== running) return; // another has taken its place
    fail(error instanceof TypeError ? "spiden doesn’t answer: is it still running?" : error.message);
    if (report) body.dataset.state = "ready";
  } finally {
    mine.abort();
  }
}

async function present(parts) {
  report = JSON.parse(await parts.get("report").text());
  const url = (name) => URL.createObjectURL(parts.get(name));
  for (const { url: old } of layers) URL.revokeObjectURL(old);
  layers = parts.getAll("layer").map((part, index) => (
    { ...report.layers[index], url: URL.createObjectURL(part) }));
  body.dataset.state = "ready";
  show(report.shown, { noisy: url("noisy"), denoised: url("denoised"), removed: url("removed") });
  const result = parts.get("result");
  const link = by("download");
  if (link.href) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(result);
  link.download = report.output;
  link.removeAttribute("aria-disabled");
  link.textContent = `Download ${report.output.split(".").pop().toUpperCase()}`;
  link.title = `${report.output}, ${(result.size / 1e6).toFixed(1)} MB`;
  if (!ownTimesteps) by("timesteps").value = report.timesteps;
  by("timesteps-box").hidden = by("spikes-tab").hidden = !layers.length && report.strength > 0;
  by("chroma-box").hidden = !report.colour;
  tellSettings();
  tellFacts();
  listLayers();
  caption();
}

function tellFacts() {
  const sigma = report.sigma === null ? report.noise : report.sigma.toFixed(1);
  const rows = {
    Picture: `${report.width} × ${report.height}, ${report.colour ? "colour" : "grey"}`,
    [report.sigma_estimated ? "Estimated noise" : "Noise level"]: `${sigma} of 255`,
    Removed: `${report.removed.toPrecision(2)} of 255`,
    Model: report.model.split(/[\\/]/).pop(),
    "Spikes per neuron": layers.length ? (report.firing_rate * report.timesteps).toFixed(2) : null,
    Time: `${report.seconds.toFixed(report.seconds < 10 ? 1 : 0)} s`,
  };
  if (report.frames > 1) rows.Frames = `${report.frames}; the first is shown`;
  by("facts").replaceChildren(...Object.entries(rows).filter(([, said]) => said).flatMap(
    ([name, said]) => [element("dt", name), element("dd", said)]));
  const left = leftOut ? [`One picture at a time: ${leftOut} more ${leftOut > 1 ? "are" : "is"} left out.`] : [];
  by("notes").replaceChildren(...[...left, ...report.notes].map((said) => element("li", said)));
}

function element(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

function layerName(index) {
  return index ? `layer ${index} of ${layers.length - 1} (${layers[index].name})` : "all layers";
}

function listLayers() {
  const box = by("layers");
  const before = Number(box.querySelector(":checked")?.value ?? 0);
  const most = Math.max(...layers.map((layer) => layer.firing_rate), 1e-9);
  box.querySelectorAll("label").forEach((label) => label.remove());
  layers.forEach((layer, index) => {
    const [label, input, bar] = ["label", "input", "i"].map((kind) => document.createElement(kind));
    Object.assign(input, { type: "radio", name: "layer", value: index });
    input.checked = index === Math.min(before, layers.length - 1);
    label.title = `${layerName(index)}: ${layer.firing_rate.toFixed(3)}`;
    input.setAttribute("aria-label", label.title);
    bar.style.height = `${(100 * layer.firing_rate) / most}%`;
    input.addEventListener("change", caption);
    label.append(input, bar);
    box.append(label);
  });
}

function caption() {
  if (!report) return;
  const said = [];
  const reduced = report.width / report.shown.width;
  if (body.dataset.view === "removed") {
    const times = report.amplification;
    said.push(`What was removed, ${times > 1 ? `amplified ${times} times` : "not amplified"}; ` +
      "mid-grey is nothing. Outlines of things here are detail that was lost.");
  }
  const chosen = Number(by("layers").querySelector(":checked")?.value ?? 0);
  const layer = layers[chosen];
  if (body.dataset.view === "spikes" && layer) {
    by("spikes").src = layer.url;
    by("low").textContent = layer.low.toPrecision(2);
    by("high").textContent = layer.high.toPrecision(2);
    said.push(`Where the neurons of ${layerName(chosen)} fire: ` +
      `${layer.firing_rate.toFixed(3)} spikes per neuron and timestep.`);
  }
  if (body.dataset.view === "compare" && reduced > 1.01) {
    said.push(`Shown at ${percent(1 / reduced)} of its size; the download has all pixels.`);
  }
  by("caption").textContent = said.join(" ");
}

function take(files) {
  const chosen = files[0];
  if (!chosen) return;
  if (chosen.size > about.most_bytes) {
    const said = `${chosen.name} has ${mega(chosen.size)}: ${mega(about.most_bytes)} are the limit.`;
    if (body.dataset.state === "busy") tell(said); else fail(said);
    return;
  }
  leftOut = files.length - 1;
  file = chosen;
  report = null;
  ownTimesteps = false;
  by("file-name").textContent = chosen.name;
  for (const id of ["noisy", "denoised", "removed", "spikes"]) by(id).removeAttribute("src");
  by("facts").replaceChildren();
  by("notes").replaceChildren();
  denoise();
}

function soon() {
  tellSettings();
  clearTimeout(timer);
  timer = setTimeout(denoise, DELAY);
}

async function introduce() {
  about = await (await fetch("/about")).json();
  by("most-size").textContent = mega(about.most_bytes);
  const more = [[".heic", "HEIC"], [".dng", "camera raw"]].filter(([s]) => about.reads.includes(s));
  if (more.length) by("more-formats").textContent = `, ${more.map(([, n]) => n).join(", ")}`;
  if (!/^(localhost|127\.|\[::1\])/.test(location.hostname)) {
    by("place").textContent = location.hostname;
  }
  for (const suffix of [".png", ".jpg", ".tiff", ".webp", ".avif", ".jxl"]) {
    if (!about.writes.includes(suffix)) continue;
    const option = element("option", suffix.slice(1).toUpperCase());
    option.value = suffix.slice(1);
    by("format").append(option);
  }
}

start();
tellSettings();
introduce().catch(() => {});
by("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
form.addEventListener("input", (event) => {
  if (event.target === by("timesteps")) ownTimesteps = true;
  if (event.target === by("chroma")) by("chroma-same").checked = false;
  soon();
});
form.addEventListener("reset", () => setTimeout(() => { ownTimesteps = false; soon(); }));
by("download").addEventListener("click", (event) => {
  if (event.currentTarget.getAttribute("aria-disabled")) event.preventDefault(); // of other settings
});
form.addEventListener("submit", (event) => event.preventDefault());
body.addEventListener("viewed", caption);
document.addEventListener("paste", (event) => take(event.clipboardData.files));
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    body.classList.toggle("dragging", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files);
  });
}
