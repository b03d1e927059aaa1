"""Paint a defect with the mouse: the mask it makes, what of it CLIP's patches see, and an augmentation of both."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from ipywidgets import Button, Dropdown, FloatSlider, IntSlider, VBox
from matplotlib.figure import Figure
from PIL import Image

from .. import plotting
from ..data import augmentation
from ..workshop import PHOTOGRAPHED, SIZE, phototarget
from .explorer import explorer

MOUSE = "painted with the mouse"
START = [[60.0 + 2 * k, 80.0 + 25 * float(np.sin(k / 6)), 4.0] for k in range(36)]  # a first stroke
Dabs = Sequence[Sequence[float]]


class Canvas(anywidget.AnyWidget):
    """A picture to paint on. value: the dabs of the brush, [x, y, radius] in pixels of the picture."""

    _esm = Path(__file__).with_suffix(".js")
    value = traitlets.List(START).tag(sync=True)
    picture = traitlets.Unicode().tag(sync=True)  # as a data URL
    size = traitlets.Int(SIZE).tag(sync=True)  # side of the picture in pixels
    radius = traitlets.Float(4.0).tag(sync=True)


def picture_of(category: str, seed: int) -> np.ndarray:
    """A normal photograph of a category (192, 192, 3) in [0, 1]."""
    return phototarget.crop(np.random.default_rng(seed), category, False)


def paint(image: np.ndarray, dabs: Dabs, tone: float) -> tuple[np.ndarray, np.ndarray]:
    """Paint dabs [x, y, radius] in a grey tone over an image (192, 192, 3) in [0, 1]; with the mask (192, 192) bool."""
    points = np.asarray(dabs, np.float32).reshape(-1, 3)
    alpha = phototarget.brush(points[:, :2], points[:, 2])
    return phototarget.mixed(image, np.full(3, tone, np.float32), 0.8 * alpha), alpha > 0.4


def defect(image: np.ndarray, category: str, family: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A defect of the data set `photographs`, painted by its own code on the image; with the mask (192, 192) bool."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    thing = (np.hypot(x, y) < 0.42 if category == "coin" else np.ones((SIZE, SIZE))).astype(np.float32)
    painted, alpha = phototarget.PAINTERS[family](np.random.default_rng([seed, 1]), image, thing, category)
    return painted, alpha > 0.4


def patch_shares(mask: np.ndarray, grid: int) -> np.ndarray:
    """The share of each of CLIP's grid x grid patches that a mask (H, W) covers, in [0, 1]."""
    edges = np.linspace(0, len(mask), grid + 1).round().astype(int)
    sums = np.add.reduceat(np.add.reduceat(mask.astype(float), edges[:-1], axis=0), edges[:-1], axis=1)
    return sums / np.outer(np.diff(edges), np.diff(edges))


def painted_figure(image: np.ndarray, mask: np.ndarray, grid: int, seed: int) -> tuple[Figure, str]:
    """A painted image in [0, 1], its mask, the patches that it covers, an augmentation; and the numbers as HTML."""
    shares = patch_shares(mask, grid)
    pixels = (image * 255 + 0.5).astype(np.uint8)
    other, moved = augmentation.augment(pixels, mask, np.random.default_rng(seed))
    fig, axes = plotting.image_grid(1, 4, side=2.2)
    plotting.show_image(axes[0, 0], image, "defective image", mask)
    axes[0, 1].imshow(mask, cmap="gray", vmin=0, vmax=1)
    axes[0, 1].set_title(f"mask: {100 * mask.mean():.2f} % of the image", fontsize="small")
    axes[0, 2].imshow(shares, cmap=plotting.HEAT, vmin=0, vmax=1)
    axes[0, 2].set_title(f"covered: {(shares > 0).sum()} of {grid**2} patches", fontsize="small")
    plotting.show_image(axes[0, 3], other / 255, f"augmentation {seed}", moved)
    return fig, (
        f"mask: <b>{mask.sum()}</b> pixels, {100 * mask.mean():.2f} % of the image; patches covered in part: "
        f"<b>{(shares > 0).sum()}</b> of {grid**2}, by half or more: {(shares >= 0.5).sum()}; "
        f"mask after augmentation: <b>{moved.sum()}</b> pixels"
    )


def paint_defect(grid: int, seed: int = 0) -> VBox:
    """A canvas to paint on, or one of the painted defects; its mask on CLIP's grid x grid patches, an augmentation."""
    whole = {"description_width": "initial"}  # not cut off
    canvas, radius = Canvas(), FloatSlider(4, min=1, max=15, description="brush", continuous_update=False)
    clear = Button(description="clear the painting")
    clear.on_click(lambda _: setattr(canvas, "value", []))
    traitlets.link((radius, "value"), (canvas, "radius"))

    def draw(dabs: Dabs, category: str, kind: str, tone: float, augmented: int) -> tuple[Figure, str]:
        image = picture_of(category, seed)
        canvas.picture = data_url(image)
        painted, mask = paint(image, dabs, tone) if kind == MOUSE else defect(image, category, kind, seed)
        return painted_figure(painted, mask, grid, augmented)

    controls = {
        "dabs": canvas,
        "category": Dropdown(description="picture", options=list(PHOTOGRAPHED)),
        "kind": Dropdown(description="defect", options=[MOUSE, *phototarget.DEFECTS]),
        "tone": FloatSlider(0.1, min=0, max=1, step=0.1, description="tone", continuous_update=False),
        "augmented": IntSlider(0, min=0, max=30, description="augmentation", continuous_update=False, style=whole),
    }
    shown = explorer(draw, controls, name="painting")
    box = shown.children[0]
    box.children = (canvas, VBox([*box.children[1:], radius, clear]))
    return shown


def data_url(image: np.ndarray) -> str:
    """An image (H, W, 3) in [0, 1] as a data URL."""
    file = io.BytesIO()
    Image.fromarray((image * 255 + 0.5).astype(np.uint8)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
