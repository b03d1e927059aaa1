"""The categories that the workshop draws, in three disjoint sets.

The tiny CLIP is pre-trained on drawings of `CAPTIONED`. The default is trained on `AUXILIARY`, categories unseen by the
CLIP, so that it learns which errors the CLIP makes on unseen categories. `TARGET` is used only for tests.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import auxiliary, objects, surfaces, target
from .defects import NEW, SURFACE


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A category: a surface that fills the image, `(rng, size) -> image`, or an object, `(rng) -> Part`, on a ground.

    nouns are its words in captions, by default its name; share is its relative frequency in pre-training.
    """

    surface: Callable | None = None
    part: Callable | None = None
    grounds: tuple[Callable, ...] = (surfaces.paint, surfaces.cloud, surfaces.sand, surfaces.steel)
    nouns: tuple[str, ...] = ()
    share: int = 1

    def defects(self, split: str) -> tuple[str, ...]:
        """Its possible defects: those of surfaces; on objects a missing part, no bare patch; in the target two more."""
        names = SURFACE if self.surface else tuple(d for d in SURFACE if d != "bare_patch") + ("missing_part",)
        return names + (NEW if split == "target" else ())


def _kinds(field: str, module, names: str) -> dict[str, Kind]:
    return {name: Kind(**{field: getattr(module, name)}) for name in names.split()}


# Categories without a fixed form: the more varied the drawings, the less the CLIP can memorise. Some are drawn more
# often (share), and so are objects whose marks and holes are normal.
BREADTH = {
    "plaster": Kind(surface=surfaces.cloud, nouns=("plaster", "wall")),
    "sandpaper": Kind(surface=surfaces.sand, nouns=("sand", "sandpaper")),
    "crystal": Kind(surface=surfaces.mosaic, nouns=("crystal", "stone")),
    "lattice": Kind(surface=surfaces.grid, nouns=("grating", "lattice")),
    "fabric": Kind(surface=surfaces.stripes, nouns=("striped cloth", "fabric")),
    "pattern": Kind(surface=surfaces.dots, nouns=("dotted paper", "pattern")),
    "board": Kind(surface=surfaces.paint, nouns=("painted board", "plain surface")),
    "concrete": Kind(surface=surfaces.spectral, nouns=("concrete", "rough wall"), share=3),
}
FAMILIAR = _kinds("surface", surfaces, "wood leather carpet tile steel marble rubber")
GROUNDS = tuple(kind.surface for kind in (BREADTH | FAMILIAR).values() if kind.surface)
CAPTIONED = (
    FAMILIAR
    | _kinds("part", objects, "washer nut bolt")
    | {name: Kind(part=getattr(objects, name), share=2) for name in ("button", "ticket")}
    | BREADTH
    | {"badge": Kind(part=objects.shape, grounds=GROUNDS, share=6, nouns=("badge", "sticker"))}
    | {"toy": Kind(part=objects.shape, grounds=GROUNDS, share=6, nouns=("toy", "shape"))}
)
AUXILIARY = _kinds("surface", auxiliary, "cork parquet shingles knit honeycomb terrazzo treadplate bark")
AUXILIARY |= _kinds("part", auxiliary, "teapot guitar umbrella envelope bell boat saw mushroom shirt abacus")
TARGET = _kinds("surface", target, "brick gravel grass mesh") | _kinds("part", target, "gear capsule key chip domino")
