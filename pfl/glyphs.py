"""The small drawings in the boxes of `diagram`. A place is (centre x, centre y, width, height) in inches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import ArrayLike

from .flows import planar_flow
from .plotting import ABNORMAL, HEAT, NORMAL
from .shapes import Sizes

INK, GREY, LEARNED, FROZEN = "#22262b", "#5a616a", "#e69f00", "#8b95a1"
CONTEXT, NAME = "#fbe3b3", "#e3e7eb"
STATES = {"normal": (NORMAL, "#cfe2f1"), "abnormal": (ABNORMAL, "#f5d3d7")}  # dark and light
SYMBOL = {"learned": "∇", "frozen": "❄", "": ""}
FILL = {"learned": "#fff8e8", "frozen": "#eef1f4", "": "white"}
SMALL, BOLD = 8.0, 8.6  # points
Place = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pen:
    """Draws on axes whose unit is an inch, with everything `z` higher in the stack: what is lit lies above a veil."""

    ax: Axes
    z: float = 0.0

    def write(self, x: float, y: float, text: str, *, box: str = "", **options) -> None:
        """Text around (x, y), which must fit into the patch whose gid is `box`."""
        style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "size": SMALL, "color": INK} | options
        self.ax.text(x, y, text, gid=box, zorder=self.z + 0.4, linespacing=1.12, **style)

    def rectangle(self, x: float, y: float, w: float, h: float, fill: str = "white", **options) -> None:
        """A rectangle with (x, y) as its left bottom corner."""
        style: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.6, "zorder": self.z + 0.2} | options
        self.ax.add_patch(Rectangle((x, y), w, h, facecolor=fill, **style))

    def rounded(self, x: float, y: float, w: float, h: float, fill: str, radius: float = 0.05, **options) -> None:
        """A rectangle with round corners."""
        style = f"round,pad=0,rounding_size={radius}"
        self.ax.add_patch(FancyBboxPatch((x, y), w, h, style, facecolor=fill, zorder=self.z + 0.2, **options))

    def line(self, points: ArrayLike, **options) -> None:
        """A line through points (n, 2)."""
        style: dict[str, Any] = {"color": INK, "linewidth": 0.9, "zorder": self.z + 0.2} | options
        self.ax.plot(*np.transpose(points), **style)

    def arrow(self, *points: tuple[float, float], **options) -> None:
        """An arrow along a path of straight lines."""
        style: dict[str, Any] = {"color": INK, "linewidth": 1.1, "mutation_scale": 8, "joinstyle": "round"} | options
        self.ax.add_patch(FancyArrowPatch(path=Path(points), arrowstyle="-|>", zorder=self.z + 0.2, **style))

    def pixels(self, x: float, y: float, side: float, values: np.ndarray, **options) -> None:
        """A square image or map around (x, y), and its frame."""
        extent = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
        options |= {"aspect": "auto", "interpolation": "bilinear", "zorder": self.z + 0.2}
        self.ax.imshow(values, extent=extent, **options)
        self.rectangle(extent[0], extent[2], side, side, "none")


def washer(pen: Pen, place: Place, sizes: Sizes | None = None, *, heat: bool = False) -> None:
    """A metal washer with a scratch, or the map that one would like to have of it: a drawing, not a result."""
    y, x = np.mgrid[1:-1:160j, -1:1:160j]
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    metal = 0.66 + 0.1 * np.cos(2 * angle + 0.6) + 0.03 * np.sin(60 * radius)
    ring = ((0.84 - radius) / 0.02).clip(0, 1) * ((radius - 0.3) / 0.02).clip(0, 1)
    (left, top), (right, low) = (0.24, 0.62), (0.68, 0.2)
    along = ((x - left) * (right - left) + (y - top) * (low - top)) / ((right - left) ** 2 + (low - top) ** 2)
    along = along.clip(0, 1)
    distance = np.hypot(x - left - along * (right - left), y - top - along * (low - top))
    if heat:
        pen.pixels(
            *place[:2],
            min(place[2:]),
            0.08 + 0.1 * ring + np.exp(-((distance / 0.24) ** 2)),
            cmap=HEAT,
            vmin=0,
            vmax=1.2,
        )
    else:
        image = (0.95 * (1 - ring) + metal * ring) * (1 - 0.85 * np.exp(-((distance / 0.04) ** 2)))
        pen.pixels(*place[:2], min(place[2:]), image, cmap="gray", vmin=0, vmax=1)


def result(pen: Pen, place: Place, sizes: Sizes) -> None:
    """A map, and below it a scale from 0 to 1 with a score."""
    x, y, w, h = place
    side = min(w, h - 0.2)
    washer(pen, (x, y + h / 2 - side / 2, side, side), heat=True)
    pen.rectangle(x - side / 2, y - h / 2, side, 0.1)
    pen.rectangle(x - side / 2, y - h / 2, 0.8 * side, 0.1, ABNORMAL)


def tower(pen: Pen, place: Place, sizes: Sizes) -> None:
    """The blocks of the image tower, from first to last; those that patch tokens are taken from are dark."""
    x, y, w, h = place
    blocks = sizes.blocks
    step = min(w / blocks[-1], 0.16)
    for block in range(1, blocks[-1] + 1):
        left = x + (block - 0.85 - blocks[-1] / 2) * step
        pen.rectangle(left, y - h / 2, 0.7 * step, h, INK if block in blocks else "#c3cad2", linewidth=0)


def tokens(pen: Pen, place: Place, sizes: Sizes) -> None:
    """The tokens of a normal and of an abnormal prompt; the tower's output is that of the last, EOS."""
    x, y, w, h = place
    context, state = sizes.axes["P"], sizes.axes["Q"]
    step = w / (context + state + 3)
    for row, (dark, light) in enumerate(STATES.values()):
        fills = ["white", *context * [CONTEXT], *state * [light], NAME, dark]
        bottom = y + (0.06, -0.5)[row] * h
        for i, fill in enumerate(fills):
            pen.rectangle(x - w / 2 + i * step, bottom, 0.9 * step, 0.44 * h, fill, linewidth=0.5)


def sheets(pen: Pen, place: Place, sizes: Sizes) -> None:
    """A grid of patches for each layer, one behind the other."""
    x, y, w, h = place
    shown, cells = min(sizes.axes["L"], 6), min(sizes.axes["g"], 5)
    side = 0.8 * h
    shift = np.array([min(0.26, (w - side) / max(shown - 1, 1)), (h - side) / max(shown - 1, 1)])
    first = np.array([x - (side + shift[0] * (shown - 1)) / 2, y - h / 2])
    for k in reversed(range(shown)):
        corner = first + k * shift
        pen.rectangle(corner[0], corner[1], side, side, linewidth=0.9)
        for at in side * np.arange(1, cells) / cells:
            pen.line([corner + (at, 0), corner + (at, side)], color=FROZEN, linewidth=0.5)
            pen.line([corner + (0, at), corner + (side, at)], color=FROZEN, linewidth=0.5)


def density(pen: Pen, place: Place, colour: str, *, bend: float = 0.0) -> None:
    """Contours of a two-dimensional Gaussian after two planar steps, which bend it up or down, or not at all."""
    x, y, _, h = place
    turn = np.linspace(0, 2 * np.pi, 200)
    u, w, c = (
        torch.tensor([[0.0, bend], [0.0, -bend]]),
        torch.tensor([[1.6, 0.0], [1.6, 0.0]]),
        torch.tensor([1.3, -1.3]),
    )
    for radius, width in ((0.4, 1.3), (0.8, 1.1), (1.2, 0.9)):
        z = torch.from_numpy(radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)).float()
        points = planar_flow(z * (torch.tensor([1.25, 0.7]) if bend else 1), u, w, c)[0].numpy() - (0, bend)
        pen.line(points * h / 2.6 + (x, y), color=colour, linewidth=width)


def flow(pen: Pen, place: Place, sizes: Sizes, ends: Sequence[tuple[str, float, float]] = ((INK, 0.5, 0.9),)) -> None:
    """A Gaussian, and what a flow makes of it (colour, place, bend); without a flow, the Gaussian alone."""
    x, y, w, h = place
    if not sizes.config.flow:
        return density(pen, place, INK)
    left, start = x - w / 2, x - w / 2 + 1.1 * h
    density(pen, (left + h / 2, y, w, h), INK)
    pen.arrow((start, y), (start + 0.2, y), linewidth=0.9, mutation_scale=6)
    for colour, at, bend in ends:
        density(pen, (start + 0.25 + at * (left + w - start - 0.25), y, w, h), colour, bend=bend)


def flows(pen: Pen, place: Place, sizes: Sizes) -> None:
    """The same for the two states."""
    flow(pen, place, sizes, ((NORMAL, 0.34, 0.9), (ABNORMAL, 0.72, -0.9)))


def cards(pen: Pen, place: Place, sizes: Sizes) -> None:
    """The bank of each state as a stack of prompts: context vectors, state vectors and the class name."""
    x, y, w, h = place
    count, config = sizes.axes["B"], sizes.config
    behind = min(count, 4) - 1
    left, width, high, shift = x - w / 2, w - 0.035 * behind, 0.36, 0.04
    context, state = "context" + "\n+ z" * config.isd, "state" + "\n+ z" * config.iad
    for (name, (dark, light)), middle in zip(STATES.items(), (y + h / 4, y - h / 4), strict=True):
        low = middle - (high + shift * behind + 0.2) / 2
        above = low + high + shift * behind + 0.13
        pen.write(left, above, f"{name} × {count}", color=dark, weight="bold", ha="left")
        fields = ((0.0, 0.4, context, CONTEXT), (0.4, 0.285, state, light), (0.685, 0.315, "name", NAME))
        for k in reversed(range(behind + 1)):
            for start, share, _, fill in fields:
                pen.rectangle(left + start * width + 0.035 * k, low + shift * k, share * width, high, fill)
        for start, share, text, _ in fields:
            pen.write(left + (start + share / 2) * width, low + high / 2, text)


def strips(pen: Pen, place: Place, sizes: Sizes) -> None:
    """Embeddings of normal prompts, above, and of abnormal ones, as rows of values."""
    x, y, w, h = place
    values = np.random.default_rng(3).uniform(0.1, 1, (2, 14))
    for row, (dark, _) in enumerate(STATES.values()):
        bottom = y + (0.04, -0.5)[row] * h
        for i, value in enumerate(values[row]):
            pen.rectangle(x - w / 2 + w * i / 14, bottom, w / 14, 0.46 * h, dark, alpha=value, linewidth=0)
        pen.rectangle(x - w / 2, bottom, w, 0.46 * h, "none")


def attention(pen: Pen, place: Place, sizes: Sizes) -> None:
    """A text embedding attends to patches, to some more than to others."""
    x, y, w, h = place
    for i, weight in enumerate((0.5, 0.9, 2.8, 1.7, 0.6)):
        at = x + 0.44 * w * (i / 2 - 1)
        pen.line([(x, y + h / 2 - 0.06), (at, y - h / 2 + 0.12)], linewidth=weight, color=ABNORMAL)
        pen.rectangle(at - 0.06, y - h / 2, 0.12, 0.12)
    pen.ax.add_patch(Circle((x, y + h / 2 - 0.06), 0.06, facecolor=ABNORMAL, edgecolor=INK, lw=0.6, zorder=pen.z + 0.3))


def products(pen: Pen, place: Place, sizes: Sizes) -> None:
    """The two similarities, and what each is for."""
    x, y, _, h = place
    for middle, text, use in ((y + h / 4, "t′ · F", "map"), (y - h / 4, "t · x", "score")):
        pen.write(x, middle + 0.08, text, size=10, weight="bold")
        pen.write(x, middle - 0.1, f"→ {use}")


def stripe(pen: Pen, x: float, y: float, w: float, h: float, kind: str) -> None:
    """The mark of what is frozen (hatched) or learned (solid)."""
    hatch = {"hatch": "/////", "edgecolor": "white"} if kind == "frozen" else {}
    pen.rectangle(x, y, w, h, FROZEN if kind == "frozen" else LEARNED, linewidth=0, **hatch)


def badge(pen: Pen, x: float, y: float, number: str, dark: bool = True) -> None:
    """The number of a notebook."""
    pen.rounded(x, y, 0.23, 0.155, INK if dark else FROZEN, edgecolor="white", linewidth=0.8)
    pen.write(x + 0.115, y + 0.075, number, color="white", weight="bold")


def legend(pen: Pen, sizes: Sizes) -> None:
    """The key to the marks and to the axis letters."""
    pen.write(0.08, 4.88, "Bayes-PFL", ha="left", size=11, weight="bold")
    for y, kind, text in ((4.54, "frozen", "frozen"), (4.3, "learned", "learned"), (4.06, "", "no weights")):
        pen.rounded(0.08, y - 0.085, 0.26, 0.17, FILL[kind], 0.03, edgecolor=INK, linewidth=0.8)
        if kind:
            stripe(pen, 0.1, y - 0.065, 0.12, 0.13, kind)
        pen.write(0.42, y, f"{SYMBOL[kind]} {text}".strip(), ha="left")
    badge(pen, 0.095, 3.74, "00")
    pen.write(0.42, 3.82, "notebook", ha="left")
    names = {"R": "samples", "B": "prompts", "L": "layers", "N": "patches", "W": "(image)", "D": "(text)"}
    for i, (letter, name) in enumerate(names.items()):
        pen.write(0.08, 3.5 - 0.18 * i, f"{letter} = {sizes.axes[letter]} {name}", ha="left", color=GREY)
