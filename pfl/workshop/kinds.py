"""The kinds of things that the workshop draws, in three disjoint sets.

The tiny CLIP is pre-trained on drawings of `CAPTIONED`. The default is trained on `AUXILIARY`, kinds that the CLIP has
not met: so it learns how the CLIP errs on things that are new to it. `TARGET` is only ever tested on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from . import auxiliary, objects, surfaces, target
from .defects import NEW, SURFACE


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A surface that fills the picture, `(rng, size) -> image`, or an object, `(rng) -> Part`, on one of some grounds.

    nouns are the words that captions use for it, by default its name; share says how often pre-training draws it.
    """

    surface: Callable | None = None
    part: Callable | None = None
    grounds: tuple[Callable, ...] = (surfaces.paint, surfaces.cloud, surfaces.sand, surfaces.steel)
    nouns: tuple[str, ...] = ()
    share: int = 1

    def defects(self, split: str) -> tuple[str, ...]:
        """The defects it may have: those of surfaces, a missing part for objects, and in the target two of its own."""
        names = SURFACE if self.surface else tuple(d for d in SURFACE if d != "bare_patch") + ("missing_part",)
        return names + (NEW if split == "target" else ())


def _surfaces(module, names: str) -> dict[str, Kind]:
    return {name: Kind(surface=getattr(module, name)) for name in names.split()}


def _objects(module, names: str) -> dict[str, Kind]:
    return {name: Kind(part=getattr(module, name)) for name in names.split()}


# Of no particular form, and drawn more often: the more the CLIP meets, the less it can learn any of it by heart. So are
# objects whose marks and holes are normal.
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
FAMILIAR = _surfaces(surfaces, "wood leather carpet tile steel marble rubber")
GROUNDS = tuple(kind.surface for kind in (BREADTH | FAMILIAR).values())
CAPTIONED = (
    FAMILIAR
    | _objects(objects, "washer nut bolt")
    | {name: Kind(part=getattr(objects, name), share=2) for name in ("button", "ticket")}
    | BREADTH
    | {"badge": Kind(part=objects.shape, grounds=GROUNDS, share=6, nouns=("badge", "sticker"))}
    | {"toy": Kind(part=objects.shape, grounds=GROUNDS, share=6, nouns=("toy", "shape"))}
)
AUXILIARY = _surfaces(auxiliary, "cork parquet shingles knit honeycomb terrazzo treadplate bark") | _objects(
    auxiliary, "teapot guitar umbrella envelope bell boat saw mushroom shirt abacus"
)
TARGET = _surfaces(target, "brick gravel grass mesh") | _objects(target, "gear capsule key chip domino")
