"""Imports torchvision beside a CPU build of torch for which torchvision's own operators were not compiled.

The usual torchvision for Linux links to CUDA. Without CUDA its operators cannot be loaded, and then its import fails,
since it describes two of them. open_clip needs torchvision only for transforms, so declaring the two is enough.
"""

import torch

SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

if torch.version.cuda is None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", SIGNATURE)
