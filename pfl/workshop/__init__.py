"""The workshop: everything that makes the embedded default, from synthetic pictures to the tiny CLIP.

    fields, surfaces, shapes, objects   what is drawn for the tiny CLIP
    auxiliary, target                   what is drawn to train the default on, and to test it
    defects, kinds, scenes, splits      what is broken, the three sets of kinds, a picture with its mask, a data set
    captions, pool, views, losses       what the tiny CLIP is pre-trained with
    tiny, pretrain                      the tiny CLIP and its pre-training

`pfl.load_clip("tiny")` and `pfl.data.load("workshop")` are its two doors. The package works on real weights and real
data without it.
"""

from .defects import NEW, SURFACE
from .kinds import AUXILIARY, CAPTIONED, TARGET, Kind
from .scenes import SIZE, Scene, scene, variation
from .splits import folder, load

__all__ = ["AUXILIARY", "CAPTIONED", "NEW", "SIZE", "SURFACE", "TARGET", "Kind", "Scene"]
__all__ += ["folder", "load", "scene", "variation"]
