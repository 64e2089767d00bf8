// The view that recognises a picture.

import { drawPixels } from "./draw.js";
import { say } from "./messages.js";

const SHOWN = 10;
const NAMES = [
  "ankle-boot", "bag", "coat", "dress", "pullover", "sandal", "shirt", "sneaker", "t-shirt", "trouser",
];
/** The one that is shown first: the network hesitates over it. */
const FIRST = "t-shirt-2";
const SAMPLES = [1, 2].flatMap((number) => NAMES.map((name) => `${name}-${number}`));

const find = (id) => document.getElementById(id);

/**
 * Sets the view up; `chosen(picture)` is called with `{ name, blob }` when there is another picture, `taken(file)`
 * with a file that was dropped: whether it was taken as something else than a picture.
 */
export function setUp(chosen, taken) {
  const take = async (name, source) => {
    try {
      chosen({ name, blob: await source() });
    } catch (error) {
      say(`${name}: ${error.message}`);
    }
  };
  find("samples").append(...SAMPLES.map((name) => sample(name, take)));
  for (const input of [find("picture"), find("camera")]) {
    input.addEventListener("change", () => {
      const [file] = input.files;
      if (file) take(file.name, async () => file);
      // The same file can be chosen again.
      input.value = "";
    });
  }
  // Without a touch screen it would open the same dialogue as for a file.
  find("camera-label").hidden = navigator.maxTouchPoints === 0;
  takeDrops((file) => taken(file) || take(file.name, async () => file));
}

/** A sample's picture. */
async function fetched(name) {
  const answer = await fetch(`samples/${name}.png`);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.blob();
}

/** The picture that is shown first. */
export async function firstPicture() {
  return { name: `${FIRST}.png`, blob: await fetched(FIRST) };
}

function sample(name, take) {
  const button = document.createElement("button");
  button.type = "button";
  const image = new Image(28, 28);
  image.src = `samples/${name}.png`;
  image.alt = name.replace("ankle-boot", "ankle boot").replace(/-(\d)$/, ", sample $1");
  image.className = "pixels";
  button.append(image);
  button.addEventListener("click", () => take(`${name}.png`, () => fetched(name)));
  return button;
}

function takeDrops(take) {
  const drop = find("drop");
  let inside = 0;
  const mark = () => drop.classList.toggle("over", inside > 0);
  document.addEventListener("dragenter", (event) => {
    event.preventDefault();
    inside += 1;
    mark();
  });
  document.addEventListener("dragleave", () => {
    inside -= 1;
    mark();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    inside = 0;
    mark();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
    else say("What was dropped is no file.");
  });
}

/** Says which network it is. */
export function showNetwork(name, { classes, shape, parameters }) {
  const [channels, height, width] = shape;
  find("network-about").textContent =
    `${name}: ${parameters.toLocaleString("en-US")} parameters; it sees ${height}×${width} pixels `
    + `${channels === 1 ? "of grey" : "in colour"} and knows ${classes.length} classes.`;
}

/** Says that an answer is being waited for. */
export function showWaiting(text) {
  find("verdict").textContent = text;
}

/** Takes the last answer away. */
export function showNothing() {
  showWaiting("No answer");
  find("bars").replaceChildren();
}

/** Shows an answer: `{ pixels, probabilities }`. */
export function showAnswer({ pixels, probabilities }, { classes, shape }, name) {
  const seen = find("seen");
  drawPixels(seen, pixels, shape);
  seen.setAttribute("aria-label", `${name}, as the network sees it`);
  const ranked = [...probabilities]
    .map((probability, index) => ({ probability, name: classes[index] }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, SHOWN);
  find("verdict").textContent = `${ranked[0].name}, ${percent(ranked[0].probability)}`;
  find("bars").replaceChildren(...ranked.map(bar));
}

function bar({ probability, name }) {
  const item = document.createElement("li");
  item.dataset.probability = probability;
  const label = document.createElement("span");
  label.textContent = name;
  const share = document.createElement("span");
  share.textContent = percent(probability);
  const track = document.createElement("span");
  track.className = "track";
  const fill = document.createElement("span");
  fill.style.width = `${100 * probability}%`;
  track.append(fill);
  item.append(label, track, share);
  return item;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** Says how long an answer took. */
export function showTime(backend, milliseconds) {
  find(`time-${backend}`).textContent = milliseconds < 100
    ? `${milliseconds.toFixed(1)} ms`
    : `${Math.round(milliseconds).toLocaleString("en-US")} ms`;
}
