// The page: what is chosen and painted goes to the model in worker.js, and its answers are shown.

import { Easel } from "./easel.js";
import { download, obstacle } from "./loading.js";
import { onWhite, planes, toSquare } from "./resizing.js";
import { Show } from "./showing.js";
import { BadName, tokens, untrained } from "./words.js";

const PAUSE = 250; // milliseconds without a change before the model is asked
const LARGEST = 64e6; // pixels of a visitor's picture
const at = (id) => document.querySelector(`#${id}`);

let settings;
let easel;
let show;
let ask; // (task, data) -> the worker's answer, in order
let [wanted, busy, timer] = [false, false, 0];
const untouched = new Map(); // the answers to pictures without paint

/** Start the worker; every message to it gets one answer. */
function startWorker() {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) reject(new Error(data.error));
    else resolve(data.answer);
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "its thread did not start"));
  };
  return (task, data, transfer = []) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, task, ...data }, transfer);
    });
}

async function load() {
  const { sizes, side, dim, samples } = settings;
  const files = await download(sizes, (share) => {
    at("progress").value = 100 * share;
    at("loaded").textContent = `${Math.round(100 * share)} %`;
  });
  at("loaded").textContent = "starting";
  const [wasm, model, noise] = ["runtime.bin", "model.bin", "noise.bin"].map((name) => files[name]);
  const start = startWorker();
  await start("load", { wasm, model, noise, side, dim, samples }, [wasm, model, noise]);
  ask = start;
  at("loading").hidden = true;
}

function problem(text) {
  at("problem").textContent = text;
  at("problem").hidden = false;
  at("loading").hidden = true;
}

/** Something changed: ask the model once nothing has changed for a moment. */
function changed() {
  at("undo").disabled = at("clear").disabled = !easel.strokes.length;
  at("result").setAttribute("aria-busy", "true");
  wanted = true;
  clearTimeout(timer);
  timer = setTimeout(work, PAUSE);
}

/** Ask until nothing newer is wanted. One question at a time: older ones that were not asked yet are dropped. */
async function work() {
  if (busy || !ask || easel.down) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      await answerAll();
    }
  } catch (error) {
    problem(`The model failed: ${error.message}`);
  } finally {
    busy = false;
  }
}

function readName() {
  const name = at("name").value;
  let [ids, text] = [null, ""];
  try {
    ids = tokens(name, settings.vocabulary);
  } catch (error) {
    if (!(error instanceof BadName)) throw error;
    text = error.message;
  }
  at("name-problem").textContent = text;
  at("name-problem").hidden = !text;
  at("name").setAttribute("aria-invalid", String(!ids));
  const random = ids ? untrained(name, settings.vocabulary) : [];
  at("name-note").textContent = random.length
    ? `The tiny CLIP was never trained on ${random.map((word) => `“${word}”`).join(", ")}: to it, the word is a random vector.`
    : "";
  return ids;
}

async function answerAll() {
  const ids = readName();
  if (!ids) return;
  const [name, count, strokes] = [
    at("name").value.trim().toLowerCase(),
    at("count").valueAsNumber,
    easel.strokes.length,
  ];
  const [rgb, mask, original] = [easel.rgb, easel.mask, easel.original];
  const question = { tokens: ids, first: 0, count };
  const key = `${settings.shown}/${ids}/${count}`;
  const answer = await ask("predict", { ...question, image: planes(rgb) });
  if (!strokes) untouched.set(key, answer.score);
  show.answer({ ...answer, rgb, mask, name, count, untouched: untouched.get(key) });
  at("result").setAttribute("aria-busy", String(wanted)); // while it was computed, something may have changed
  if (!untouched.has(key) && !wanted) {
    const clean = await ask("predict", { ...question, image: planes(original) });
    untouched.set(key, clean.score);
    if (!wanted) show.untouched(clean.score);
  }
  for (let first = 0; first < count && at("one-by-one").open && !wanted; first++) {
    show.sample(first, count, await ask("predict", { tokens: ids, first, count: 1, image: planes(rgb) }));
  }
}

/** Show a picture of any size on the easel. */
async function choose(source, description, button) {
  const picture = await createImageBitmap(source, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = picture;
  if (width * height > LARGEST) throw new Error(`it has more than ${LARGEST / 1e6} million pixels`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const rgb = onWhite(context.getImageData(0, 0, width, height).data);
  settings.shown = (settings.shown ?? 0) + 1;
  for (const other of at("pictures").children) other.setAttribute("aria-pressed", String(other === button));
  easel.show(toSquare(rgb, width, height, settings.side), description);
  changed();
}

async function addPictures() {
  for (const { file, name, alt } of settings.pictures) {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = "<img>";
    Object.assign(button.firstChild, { src: file, alt });
    button.onclick = async () => {
      at("name").value = name;
      await choose(await (await fetch(file)).blob(), alt, button);
    };
    at("pictures").append(button);
  }
  await at("pictures").firstChild.onclick();
}

function addControls() {
  at("own").onchange = async ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (!file) return;
    at("problem").hidden = true;
    try {
      await choose(file, "Your own picture");
    } catch (error) {
      problem(`This browser cannot show ${file.name} (${error.message}). Try a JPEG or PNG file.`);
    }
  };
  at("undo").onclick = () => easel.undo();
  at("clear").onclick = () => easel.clear();
  at("name").oninput = changed;
  at("size").oninput = () => easel.place();
  at("kinds").onchange = () => easel.place();
  at("count").oninput = () => {
    at("count-shown").textContent = at("count").value;
    changed();
  };
  at("one-by-one").ontoggle = changed;
  at("save").onclick = () => {
    at("save").href = at("picture").toDataURL("image/png");
  };
}

async function main() {
  const reason = obstacle(window);
  if (reason) {
    at("bench").hidden = true;
    return problem(reason);
  }
  settings = await (await fetch("settings.json")).json();
  show = new Show(at, settings);
  easel = new Easel(at("picture"), at("ring"), {
    side: settings.side,
    brush: () => ({ kind: document.querySelector("[name=kind]:checked").value, size: at("size").valueAsNumber }),
    changed,
    say: (text) => {
      at("said").textContent = text;
    },
  });
  addControls();
  await Promise.all([addPictures(), load()]);
  await work();
}

main().catch((error) => problem(`The page could not start: ${error.message}`));
