// The picture on which visitors paint, with mouse, finger or keyboard. It calls `changed` after each change.

import { painted, radius } from "./painting.js";
import { opaque } from "./resizing.js";

const STEP = 3; // pixels of the picture that an arrow key moves the brush
const FAST = 12;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Easel {
  /** @param {{side: number, brush: () => {kind: string, size: number}, changed: () => void, say: (text: string) => void}} options */
  constructor(canvas, ring, { side, brush, changed, say }) {
    Object.assign(this, { canvas, ring, side, brush, changed, say });
    canvas.width = canvas.height = side;
    this.cursor = [side / 2, side / 2];
    this.down = false;
    this.show(new Uint8Array(side * side * 3), "");
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.lift());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.lift());
  }

  /** Another picture, without paint. */
  show(rgb, description) {
    Object.assign(this, { original: rgb, description, strokes: [], down: false });
    this.render();
  }

  /** What is seen now. */
  get rgb() {
    return this.seen.rgb;
  }

  /** 1 where painted. */
  get mask() {
    return this.seen.mask;
  }

  undo() {
    this.strokes.pop();
    this.render();
    this.changed();
  }

  clear() {
    this.strokes = [];
    this.render();
    this.changed();
  }

  /** Draw everything; `latest` draws only the last stroke over the ones before it, which are kept. */
  render(latest = false) {
    if (!latest) this.before = painted(this.original, this.strokes.slice(0, -1), this.side);
    const now = painted(this.before.rgb, this.strokes.slice(-1), this.side);
    for (let i = 0; i < now.mask.length; i++) now.mask[i] |= this.before.mask[i];
    this.seen = now;
    this.canvas.getContext("2d").putImageData(new ImageData(opaque(now.rgb), this.side, this.side), 0, 0);
    const count = this.strokes.length;
    const paint = count ? `, with ${count} painted ${count > 1 ? "strokes" : "stroke"}` : "";
    this.canvas.setAttribute("aria-label", `${this.description}${paint}. Paint here.`);
    this.place();
  }

  start() {
    const { kind, size } = this.brush();
    this.strokes.push({ kind, radius: radius(kind, size), points: [[...this.cursor]] });
    this.down = true;
    this.render();
  }

  extend() {
    this.strokes.at(-1).points.push([...this.cursor]);
    this.render(true);
  }

  lift() {
    if (!this.down) return;
    this.down = false;
    this.changed();
  }

  press(event) {
    if (event.button) return;
    event.preventDefault();
    this.canvas.focus({ focusVisible: false });
    this.canvas.setPointerCapture(event.pointerId);
    this.point(event);
    this.start();
  }

  move(event) {
    const dragged = this.down && event.buttons;
    if (this.down && !dragged) return; // the keyboard has the brush
    this.point(event);
    if (dragged) this.extend();
    else this.place();
  }

  point({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    this.cursor = [((clientX - box.x) / box.width) * this.side, ((clientY - box.y) / box.height) * this.side];
  }

  key(event) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? FAST : STEP;
      this.cursor = this.cursor.map((c, i) => Math.min(this.side, Math.max(0, c + step * arrow[i])));
      if (this.down) this.extend();
      else this.place();
    } else if (event.key === " " && !event.repeat) {
      if (this.down) this.lift();
      else this.start();
      this.say(this.down ? "Brush down: arrow keys paint." : "Brush lifted.");
    } else if (event.key === "Escape") this.lift();
    else return;
    event.preventDefault();
  }

  /** Put the ring that shows the brush where the brush is. */
  place() {
    const { kind, size } = this.brush();
    const share = (length) => `${(100 * length) / this.side}%`;
    const [x, y] = this.cursor;
    Object.assign(this.ring.style, { left: share(x), top: share(y), width: share(2 * radius(kind, size)) });
    this.ring.style.height = this.ring.style.width;
  }
}
