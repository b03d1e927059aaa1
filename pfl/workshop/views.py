"""Views of the pool's images, with a new crop, rotation and lighting at each use, and captions with their truth."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip import MEAN, SD
from .captions import COLOURS, Caption, captions, truth
from .pool import COARSE


@dataclass(frozen=True, kw_only=True)
class Views:
    """b views: normalised images (b, 3, size, size); the defective share of each patch (b, N); state (b,), an index of
    STATES; the pool of captions, which of them are true of which view, and for which this is known (b, captions)."""

    images: Tensor
    defective: Tensor
    state: Tensor
    captions: list[Caption]
    true: Tensor
    known: Tensor


def batch(scenes: tuple[np.ndarray, ...], *, number: int, size: int, share: float, seed: int, step: int) -> Views:
    """The views of a step; seed and step determine all randomness.

    Args:
        scenes: images, masks and labels, as `pool` returns them.
        number: of views, b.
        size: side of a view in pixels.
        share: typical side of a view as a share of the scene's; see `crop`.
    """
    images, masks, labels = scenes
    rng, generator = np.random.default_rng([seed, 1, step]), torch.Generator().manual_seed(seed * 2**32 + step)
    index = np.sort(rng.choice(len(labels), number, replace=False))
    x = torch.from_numpy(images[index]).permute(0, 3, 1, 2).float() / 255
    m = torch.from_numpy(masks[index])[:, None].float() / 255
    kind, state, colour = torch.from_numpy(labels[index]).T
    x, m = crop(x, m, size, share, generator)
    x, grey = relight(x, generator)
    colour = torch.where(grey, COLOURS.index("grey"), colour)
    sentences = list(captions(labels[index, 0], rng))
    true, known = truth(sentences, kind, state, colour, cell(m[:, 0], state))
    return Views(
        images=(x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(SD).view(3, 1, 1),
        defective=m.flatten(1),
        state=state,
        captions=sentences,
        true=true,
        known=known,
    )


def cell(masks: Tensor, state: Tensor) -> Tensor:
    """Index into CELLS of the centre of each mask (b, g, g); -1 where the state (b,) is flawless."""
    g = masks.shape[-1]
    mass = masks.sum((1, 2)).clamp(min=1e-6)
    row, column = ((masks.sum(axis) * torch.arange(g)).sum(1) / mass for axis in (2, 1))
    third = torch.arange(g) * 3 // g
    row, column = (third[centre.round().long().clamp(max=g - 1)] for centre in (row, column))
    return torch.where(state > 0, row * 3 + column, -1)


def crop(images: Tensor, masks: Tensor, size: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random window of each image, flipped and rotated by quarter turns, that keeps a defect in view.

    Args:
        images: (b, 3, 192, 192) in [0, 1].
        masks: (b, 1, 48, 48) in [0, 1], all zero for a flawless image.
        share: of the image's side; windows are 0.55 to 1.2 times as wide, and no wider than the image.

    Returns:
        images (b, 3, size, size), masks (b, 1, size / 8, size / 8).
    """
    b = len(images)

    def rand(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    window = (share * (0.55 + 0.65 * rand(b))).clamp(max=1.0)  # so objects mostly look larger than in the whole image
    axis = torch.linspace(-1, 1, COARSE)
    weight = masks[:, 0] / masks[:, 0].sum((1, 2), keepdim=True).clamp(min=1e-6)
    centre = torch.stack([(weight.sum(1) * axis).sum(1), (weight.sum(2) * axis).sum(1)], 1)
    # Windows of flawless images are off-centre as well, or the framing would reveal a defect.
    centre = torch.where(masks.sum((2, 3)) > 0, centre, rand(b, 2) * 1.4 - 0.7)
    centre = centre + (rand(b, 2) - 0.5) * window[:, None]
    limit = (1 - window)[:, None]
    centre = torch.maximum(torch.minimum(centre, limit), -limit)
    turn = torch.randint(0, 4, (b,), generator=generator) * (np.pi / 2)
    flip = torch.where(rand(b) < 0.5, -1.0, 1.0)
    theta = torch.zeros(b, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = window * turn.cos() * flip, -window * turn.sin()
    theta[:, 1, 0], theta[:, 1, 1] = window * turn.sin() * flip, window * turn.cos()
    theta[:, :, 2] = centre
    seen = F.grid_sample(images, F.affine_grid(theta, [b, 3, size, size], False), "bilinear", "border", False)
    # Sampled more finely than the patches and averaged, so that no thin line is missed.
    fine = F.grid_sample(masks, F.affine_grid(theta, [b, 1, size // 2, size // 2], False), "bilinear", "zeros", False)
    return seen, F.avg_pool2d(fine, 4)


def relight(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Change exposure, contrast, blur and grain of images (b, 3, H, H), and make some grey; which ones is (b,) bool."""
    b = len(images)

    def rand() -> Tensor:
        return torch.rand(b, 1, 1, 1, generator=generator)

    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * (0.6 + 0.8 * rand()) + mean * (0.7 + 0.6 * rand())
    grey = rand() < 0.3
    images = torch.where(grey, images.mean(1, keepdim=True).expand_as(images), images)
    blurred = (rand() < 0.25).flatten()
    images[blurred] = F.avg_pool2d(images[blurred], 3, 1, 1, count_include_pad=False)
    images = images + torch.randn(images.shape, generator=generator) * (0.06 * rand() * (rand() < 0.5))
    return images.clamp(0, 1), grey.flatten()
