"""The workshop: everything that makes the embedded default, from drawings and photographs to the tiny CLIP.

    fields, surfaces, shapes, objects   drawings to pre-train the tiny CLIP on
    auxiliary, target                   drawings to train the default on, and to test it
    phototarget                         photographs inside scikit-image with painted defects, to test it
    defects, kinds, scenes, splits      defects, the three sets of categories, an image with its mask, a data set
    photographs, damage, photoscenes    photographs from Debian packages, defects and scenes like theirs
    captions, pool, views, losses       data and losses of pre-training
    stem, tiny, pretrain                the tiny CLIP on its frozen stem, and its pre-training

Its entry points are `pfl.load_clip("tiny")`, and `pfl.data.load` of "workshop" and "photographs". The package works on
real weights and real data without it.
"""

from .defects import NEW, SURFACE
from .kinds import AUXILIARY, CAPTIONED, PHOTOGRAPHED, TARGET, Kind
from .scenes import SIZE, Scene, scene, variation
from .splits import folder, load

__all__ = ["AUXILIARY", "CAPTIONED", "NEW", "PHOTOGRAPHED", "SIZE", "SURFACE", "TARGET", "Kind", "Scene"]
__all__ += ["folder", "load", "scene", "variation"]
