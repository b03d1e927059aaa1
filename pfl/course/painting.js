// A canvas that shows `picture` and, over it, the dabs of a brush: [x, y, radius] in pixels of the picture.
// While the mouse, a pen or a finger is down, it adds dabs; when it is lifted, they are sent to Python as `value`.
const SCALE = 2; // pixels of the screen for one of the picture

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const picture = new Image();
  let dabs = [...model.get("value")];
  let painting = false;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Picture to paint a defect on with the mouse; without one, choose a defect instead");
  canvas.style.cursor = "crosshair";
  canvas.style.touchAction = "none";
  canvas.style.maxWidth = "100%";
  el.append(canvas);

  function draw() {
    const side = SCALE * model.get("size");
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, side, side);
    context.fillStyle = "#d1495b";
    for (const [x, y, radius] of dabs) {
      context.beginPath();
      context.arc(SCALE * (x + 0.5), SCALE * (y + 0.5), SCALE * radius, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function add(event) {
    const box = canvas.getBoundingClientRect();
    const size = model.get("size");
    const radius = model.get("radius");
    const x = ((event.clientX - box.left) / box.width) * size;
    const y = ((event.clientY - box.top) / box.height) * size;
    const [a, b] = painting && dabs.length ? dabs[dabs.length - 1] : [x, y];
    const steps = Math.max(1, Math.ceil(Math.hypot(x - a, y - b) / Math.max(1, radius / 2)));
    for (let k = 1; k <= steps; k++) dabs.push([a + ((x - a) * k) / steps, b + ((y - b) * k) / steps, radius]);
    painting = true;
    draw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => painting && add(event));
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (!painting) return;
      painting = false;
      model.set("value", dabs.map((dab) => [...dab]));
      model.save_changes();
    });
  }
  picture.onload = draw;
  model.on("change:value", () => {
    if (painting) return;
    dabs = [...model.get("value")];
    draw();
  });
  model.on("change:picture", () => (picture.src = model.get("picture")));
  picture.src = model.get("picture");
}

export default { render };
