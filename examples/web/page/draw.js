// Pixels on canvases.

/** Small pictures are enlarged to about so many pixels, so that a heat map over them is smooth. */
const MAGNIFIED = 448;

/** Draws values 0 to 255 in the order channel, row, column; one channel is grey, three are colours. */
export function drawPixels(canvas, pixels, [channels, height, width]) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  const plane = width * height;
  for (let index = 0; index < plane; index += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[index * 4 + channel] = pixels[(channel % channels) * plane + index];
    }
    image.data[index * 4 + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Draws pixels, enlarged, and over them a heat map of any size with values 0 to 1. */
export function drawHeat(canvas, pixels, shape, { shape: [height, width], values }) {
  const [below, above] = [document.createElement("canvas"), document.createElement("canvas")];
  drawPixels(below, pixels, shape);
  Object.assign(above, { width, height });
  const image = new ImageData(width, height);
  values.forEach((value, index) => image.data.set([...warm(value), 190 * value], index * 4));
  above.getContext("2d").putImageData(image, 0, 0);

  const scale = Math.max(1, Math.round(MAGNIFIED / shape[2]));
  canvas.width = shape[2] * scale;
  canvas.height = shape[1] * scale;
  const context = canvas.getContext("2d");
  context.fillRect(0, 0, canvas.width, canvas.height);
  // Darker, so that the heat is seen on white too.
  context.globalAlpha = 0.6;
  context.imageSmoothingEnabled = false;
  context.drawImage(below, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
  context.imageSmoothingEnabled = true;
  context.drawImage(above, 0, 0, canvas.width, canvas.height);
}

/** From red over orange to yellow. */
function warm(value) {
  return [255, 40 + 190 * value, 20 * value];
}

/**
 * Draws `count` maps of `height` by `width` side by side, each from 0 (black) to its own largest
 * value (white). Gaps of one pixel stay see-through.
 */
export function drawMaps(canvas, values, count, [height, width], columns) {
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + 1) - 1;
  canvas.height = rows * (height + 1) - 1;
  const context = canvas.getContext("2d");
  const plane = height * width;
  for (let map = 0; map < count; map += 1) {
    const own = values.subarray(map * plane, (map + 1) * plane);
    const most = own.reduce((a, b) => Math.max(a, b), 0);
    const image = new ImageData(width, height);
    own.forEach((value, index) => {
      const grey = most > 0 ? (255 * Math.max(value, 0)) / most : 0;
      image.data.set([grey, grey, grey, 255], index * 4);
    });
    context.putImageData(image, (map % columns) * (width + 1), Math.floor(map / columns) * (height + 1));
  }
}
