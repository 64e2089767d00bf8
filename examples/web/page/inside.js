// The view that shows what happens inside the network.

import { percent } from "./classify.js";
import { drawHeat, drawMaps } from "./draw.js";

/** So many maps of a block are shown; a large network has 512. */
const MOST_MAPS = 64;

/** Maps side by side; fewer on a phone. */
const columns = () => (window.matchMedia("(max-width: 760px)").matches ? 8 : 16);

const find = (id) => document.getElementById(id);

/** Sets the view up; `chosen({ class, layer })` is called with what Grad-CAM is wanted for. */
export function setUp(chosen) {
  const [name, layer] = [find("cam-class"), find("cam-layer")];
  for (const field of [name, layer]) {
    field.addEventListener("change", () => chosen({ class: Number(name.value), layer: layer.value }));
  }
}

/** Lists the network's classes. */
export function showClasses(classes) {
  find("cam-class").replaceChildren(...classes.map((name, index) => new Option(name, index)));
}

/** Shows `{ pixels, probabilities, chosen, heat, maps }`; a map is `{ layer, shape, values }`. */
export function showInside({ pixels, probabilities, chosen, heat, maps }, { classes, shape }) {
  find("cam-class").value = chosen;
  const places = maps.map(({ layer, shape: [, height, width] }) => new Option(`${layer}, ${height}×${width}`, layer));
  find("cam-layer").replaceChildren(...places);
  find("cam-layer").value = heat.layer;
  const cam = find("cam");
  drawHeat(cam, pixels, shape, heat);
  const text = `Yellow speaks most for “${classes[chosen]}” (${percent(probabilities[chosen])}), seen at ${heat.layer}`;
  cam.setAttribute("aria-label", `Heat map over the picture for ${classes[chosen]}`);
  find("cam-caption").textContent = text;
  find("maps").replaceChildren(...maps.map(block));
}

function block({ layer, shape, values }) {
  const [channels, height, width] = shape;
  const count = Math.min(channels, MOST_MAPS);
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.className = "pixels maps";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${count} feature maps of ${layer}`);
  drawMaps(canvas, values, count, [height, width], columns());
  const caption = document.createElement("figcaption");
  const some = count < channels ? `, the first ${count}` : "";
  caption.textContent = `${layer}: ${channels} maps of ${height}×${width}${some}`;
  figure.append(caption, canvas);
  return figure;
}
