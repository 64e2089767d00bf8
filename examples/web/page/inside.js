// The view that shows what happens inside the network.

import { percent } from "./classify.js";
import { drawHeat, drawMaps, drawPixels } from "./draw.js";

/** So many maps of a block are shown; a large network has 512. */
const MOST_MAPS = 64;

const find = (id) => document.getElementById(id);

/** Sets the view up; `chosen(index)` is called with the class that Grad-CAM is wanted for. */
export function setUp(chosen) {
  find("cam-class").addEventListener("change", ({ target }) => chosen(Number(target.value)));
}

/** Lists the network's classes. */
export function showClasses(classes) {
  find("cam-class").replaceChildren(...classes.map((name, index) => new Option(name, index)));
}

/** Shows `{ pixels, probabilities, chosen, heat, maps }`; each map is `{ name, shape, values }`. */
export function showInside({ pixels, probabilities, chosen, heat, maps }, { classes, shape }) {
  find("cam-class").value = chosen;
  const cam = find("cam");
  drawPixels(cam, pixels, shape);
  drawHeat(cam, heat);
  const text = `Yellow speaks most for “${classes[chosen]}” (${percent(probabilities[chosen])})`;
  cam.setAttribute("aria-label", `Heat map over the picture for ${classes[chosen]}`);
  find("cam-caption").textContent = text;
  find("maps").replaceChildren(...maps.map(block));
}

function block({ name, shape, values }) {
  const [channels, height, width] = shape;
  const count = Math.min(channels, MOST_MAPS);
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.className = "pixels maps";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${count} feature maps of ${name}`);
  drawMaps(canvas, values, count, [height, width], 16);
  const caption = document.createElement("figcaption");
  const some = count < channels ? `, the first ${count}` : "";
  caption.textContent = `${name}: ${channels} maps of ${height}×${width}${some}`;
  figure.append(caption, canvas);
  return figure;
}
