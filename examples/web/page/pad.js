// A pad to draw on: light on dark, as the pictures that the network was trained on.

const BRUSH = 18;

/** Sets the pad up; `drawn(blob)` is called with the picture after each stroke. */
export function setUp(drawn) {
  const pad = document.getElementById("pad");
  const context = pad.getContext("2d");
  Object.assign(context, { lineWidth: BRUSH, lineCap: "round", lineJoin: "round", strokeStyle: "#ddd" });
  const clear = () => context.fillRect(0, 0, pad.width, pad.height);
  clear();
  document.getElementById("pad-clear").addEventListener("click", clear);

  const line = (event) => {
    const scale = pad.width / pad.clientWidth;
    context.lineTo(event.offsetX * scale, event.offsetY * scale);
    context.stroke();
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    context.beginPath();
    line(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) line(event);
  });
  pad.addEventListener("pointerup", () => pad.toBlob(drawn));
}
