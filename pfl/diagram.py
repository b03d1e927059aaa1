"""The method as one picture: its parts, what flows between them, and the shapes that a configuration gives them."""

from collections.abc import Callable
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from . import glyphs
from .config import Preset
from .glyphs import BOLD, FILL, GREY, INK, SYMBOL, Pen, Place
from .model import BayesPFL
from .shapes import SHAPES, Sizes

# What each notebook is about: lit in the picture at its head, and the numbers on the boxes.
NOTEBOOKS = {
    "00": ("image tower", "patch tokens", "text tower"),
    "01": ("image",),
    "02": ("image-specific", "image-agnostic", "prompts", "attention", "similarity"),
    "03": ("map and score",),
    "04": ("image-specific", "image-agnostic", "prompts", "text embeddings"),
    "05": ("image-specific", "image-agnostic", "attention"),
    "06": ("image", "map and score"),
}
SIZE = (7.25, 5.12)  # inches, the unit of all places: 700 CSS pixels are 7.29 inches, so 8 points stay 8 points
PLACES: dict[str, Place] = {  # left, bottom, width and height of the parts, in the order of the method
    "image": (0.08, 0.42, 0.96, 1.42),
    "image tower": (1.22, 0.42, 1.4, 1.42),
    "patch tokens": (2.8, 0.42, 1.72, 1.42),
    "image-specific": (1.22, 2.18, 1.4, 1.32),
    "image-agnostic": (1.22, 3.7, 1.4, 1.32),
    "prompts": (2.8, 2.18, 1.72, 2.84),
    "text tower": (4.7, 3.76, 1.36, 1.26),
    "text embeddings": (4.7, 2.18, 1.36, 1.26),
    "attention": (4.7, 0.42, 1.36, 1.42),
    "similarity": (6.24, 0.42, 0.94, 1.42),
    "map and score": (6.24, 2.76, 0.94, 2.26),
}
ARROWS = {
    "image": ("image tower",),
    "image tower": ("patch tokens", "image-specific", "similarity"),
    "patch tokens": ("attention",),
    "image-specific": ("prompts",),
    "image-agnostic": ("prompts",),
    "prompts": ("text tower",),
    "text tower": ("text embeddings",),
    "text embeddings": ("attention", "similarity"),
    "attention": ("similarity",),
    "similarity": ("map and score",),
}
ALT = (
    "Diagram of Bayes-PFL. An image enters CLIP's frozen image tower, which gives an embedding x and patch tokens of "
    "{L} layers. The learned image-specific distribution depends on x and gives samples for the context vectors; the "
    "learned image-agnostic distributions, one normal and one abnormal, give samples for the state vectors. {flow} "
    "The samples are added to a learned bank of {B} prompts for each state. CLIP's frozen text tower turns the prompts "
    "into text embeddings, which attend to the patch tokens. Their similarity with the patch tokens gives a map, and "
    "with x, together with the map, a score; both are means over {R} samples. Frozen parts have a hatched stripe and a "
    "snowflake, learned parts a solid stripe and a nabla. {lit}"
)


@dataclass(frozen=True)
class Part:
    """What is in a box, besides the numbers of its notebooks."""

    kind: str  # "frozen" or "learned"; "" has no weights
    file: str  # in pfl/
    title: str
    text: str
    glyph: Callable[[Pen, Place, Sizes], None]
    on: bool = True  # off: switched off in the configuration


def parts(sizes: Sizes) -> dict[str, Part]:
    """The parts by name."""
    axes, config, blocks = sizes.axes, sizes.config, sizes.blocks
    shape = {name: " × ".join(map(str, sizes.shape(name))) for name in SHAPES}
    both = {name: f"{letters.replace(' ', ' × ')}\n{shape[name]}" for name, letters in SHAPES.items()}
    taken = "blocks " + (" ".join(map(str, blocks)) if len(blocks) < 5 else f"{blocks[0]} to {blocks[-1]}")
    flow = f"K = {axes['K']} flow steps" if config.flow else "Gaussian, no flow"
    context, states = f"{flow}\nz  {shape['context samples']}", f"{flow}\nz  {shape['state samples']}"
    bank = f"P = {axes['P']} context vectors\nQ = {axes['Q']} state vectors\n{both['prompts']}"
    mean = f"mean over\nR = {axes['R']}\nsamples\n{shape['map']}"
    file, tokens, text = "distributions.py", both["patch tokens"], both["text embeddings"]
    return {
        "image": Part("", "data/", "image", shape["image"], glyphs.washer),
        "image tower": Part("frozen", "clip.py", "CLIP\nimage tower", taken, glyphs.tower),
        "patch tokens": Part("", "clip.py", "patch tokens F", tokens, glyphs.sheets),
        "image-specific": Part("learned", file, "image-specific\ndistribution", context, glyphs.flow, config.isd),
        "image-agnostic": Part("learned", file, "image-agnostic\ndistributions", states, glyphs.flows, config.iad),
        "prompts": Part("learned", "prompts.py", "prompts", bank, glyphs.cards),
        "text tower": Part("frozen", "tower.py", "CLIP\ntext tower", "output at EOS", glyphs.tokens),
        "text embeddings": Part("", "model.py", "text embeddings t", text, glyphs.strips),
        "attention": Part(
            "learned", "attention.py", "cross-modal\nattention (RCA)", "t′ for each layer", glyphs.attention, config.rca
        ),
        "similarity": Part("learned", "model.py", "similarity", "", glyphs.products),
        "map and score": Part("", "prediction.py", "map and\nscore", mean, glyphs.result),
    }


def diagram(source: BayesPFL | Preset, *, lit: str | None = None) -> Figure:
    """Draw the method for a model or a preset: its parts with their shapes, files and notebooks.

    Nothing is loaded for a preset. The image head of stage 2, which also takes the patch tokens, is not drawn.

    Args:
        lit: a notebook, such as "02", or a part, such as "attention"; all else is faded. Default: nothing is faded.

    Raises:
        ValueError: `lit` is unknown, or the sizes of the preset's CLIP are.
    """
    sizes, bright = Sizes.of(source), lit_parts(lit)
    # An engine that does nothing: without one, saving would switch to that of the course's style.
    # Outside of the context, at whose end pyplot would forget that the notebook's backend displays figures.
    fig = plt.figure(figsize=SIZE, layout=PlaceHolderLayoutEngine(True, True))
    with plt.rc_context({"font.family": "DejaVu Sans", "hatch.linewidth": 0.8}):
        ax = fig.add_axes((0, 0, 1, 1))
        above, below = Pen(ax, 2), Pen(ax)
        for start, ends in ARROWS.items():
            for end in ends:
                (above if {start, end} <= bright else below).arrow(*_path(PLACES[start], PLACES[end]))
        pen, x = above if "image tower" in bright else below, f"x  (D = {sizes.axes['D']})"
        pen.write(1.98, 2.04, x, ha="left")
        pen.write(3.66, 0.15, f"image embedding {x}", backgroundcolor="white")
        for name, part in parts(sizes).items():
            _box(above if name in bright else below, name, part, sizes, lit)
        below.rectangle(0, 0, *SIZE, alpha=0.78, linewidth=0, zorder=1)  # a veil over what is not lit
        glyphs.legend(above, sizes)
        ax.set(xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
        ax.set_axis_off()
    return fig


def alt_text(source: BayesPFL | Preset, *, lit: str | None = None) -> str:
    """The picture in words, for readers who cannot see it."""
    sizes = Sizes.of(source)
    flow = "A flow of {K} planar steps shapes them." if sizes.config.flow else "They are Gaussian, without a flow."
    names = ", ".join(name for name in PLACES if name in lit_parts(lit))
    words = {"flow": flow.format(**sizes.axes), "lit": f"Lit: {names}." if lit else ""}
    return ALT.format(**sizes.axes, **words).strip()


def lit_parts(lit: str | None) -> set[str]:
    """The names of the parts that a notebook or a part's own name lights; without either, all."""
    if lit not in {None, *PLACES, *NOTEBOOKS}:
        raise ValueError(f"lit is {lit!r}; choose one of {', '.join([*NOTEBOOKS, *PLACES])}")
    return set(NOTEBOOKS.get(lit, (lit,)) if lit else PLACES)


def _path(start: Place, end: Place) -> tuple[tuple[float, float], ...]:
    """Corners of the arrow between two boxes: straight between neighbours, else around what is between them."""
    (x, y, w, h), (u, v, s, t) = start, end
    if u > x + 2 * w:  # below the boxes between
        return (x + w / 2, y), (x + w / 2, 0.15), (u + s / 2, 0.15), (u + s / 2, v)
    if (bottom := max(y, v)) < (top := min(y + h, v + t)):  # side by side
        return (x + w, (bottom + top) / 2), (u, (bottom + top) / 2)
    if u > x + w:  # right, then down
        return (x + w, y + 0.14), (u + 0.2, y + 0.14), (u + 0.2, v + t)
    middle = (max(x, u) + min(x + w, u + s)) / 2
    return ((middle, y + h), (middle, v)) if v > y else ((middle, y), (middle, v + t))


def _box(pen: Pen, name: str, part: Part, sizes: Sizes, lit: str | None) -> None:
    """Draw a part: from top to bottom its notebooks, title, glyph, text and file."""
    x, y, w, h = PLACES[name]
    kind = part.kind if part.on else ""
    width, style = 1.9 if lit and pen.z else 0.9, "-" if part.on else ":"
    pen.rounded(x, y, w, h, FILL[kind], gid=name, edgecolor=INK, linewidth=width, linestyle=style)
    if kind:
        glyphs.stripe(pen, x + 0.04, y + 0.05, 0.15, h - 0.1, kind)
        pen.rounded(x + 0.045, y + h / 2 - 0.09, 0.14, 0.18, "white", linewidth=0)
        pen.write(x + 0.115, y + h / 2, SYMBOL[kind], weight="bold")
    middle = x + w / 2 + (0.08 if kind else 0)
    pen.write(middle, y + h - 0.12, part.title, va="top", size=BOLD, weight="bold", box=name)
    pen.write(middle, y + 0.06, part.file, va="bottom", color=GREY, style="italic", box=name)
    bottom, top = y + 0.28 + 0.138 * len(part.text.splitlines()), y + h - 0.2 - 0.14 * len(part.title.splitlines())
    if part.on:
        pen.write(middle, y + 0.22, part.text, va="bottom", box=name)
        part.glyph(pen, (middle, (bottom + top) / 2, w - (0.36 if kind else 0.24), top - bottom), sizes)
    else:
        pen.write(middle, (y + 0.2 + top) / 2, "switched off", box=name)
    for i, number in enumerate(reversed([number for number, names in NOTEBOOKS.items() if name in names])):
        glyphs.badge(pen, x + w - 0.28 - 0.25 * i, y + h - 0.07, number, lit not in NOTEBOOKS or lit == number)
