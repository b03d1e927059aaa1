"""What the paper improves on: the same CLIP and the same evaluation, with less and less of the method.

`HandwrittenPrompts` learns nothing; `learned_prompt` learns one prompt for either state; `prompt_bank` learns B of
them. No sampling in any, so one sample says all.
"""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .clip import FrozenCLIP
from .config import EvalConfig, ModelConfig
from .losses import upsample
from .model import BayesPFL
from .prediction import Prediction, summarise
from .prompts import handwritten, name_per_image


def learned_prompt(clip: FrozenCLIP, *, seed: int = 0) -> BayesPFL:
    """One learned prompt for either state, without distributions and without cross-modal attention.

    In the manner of CoOp (Zhou et al. 2022) and AnomalyCLIP (Zhou et al. 2024); to be trained with `pfl.train`.
    """
    return BayesPFL(clip, ModelConfig(num_prompts=1, isd=False, iad=False, rca=False), seed=seed)


def prompt_bank(clip: FrozenCLIP, *, num_prompts: int = 3, seed: int = 0) -> BayesPFL:
    """All of Bayes-PFL but its distributions: B deterministic prompts; to be trained with `pfl.train`."""
    return BayesPFL(clip, ModelConfig(num_prompts=num_prompts, isd=False, iad=False), seed=seed)


class HandwrittenPrompts:
    """Plain CLIP with WinCLIP's ensemble of sentences for either state (Jeong et al. 2023), without its windows.

    The sentences' unit embeddings are averaged into one direction a state, and what is compared with them decides by
    the softmax that CLIP was trained with, of its own temperature. For the image that is the class token. For the map
    it is the patches of the last feature layer, taken through the last norm and the projection as if each were a class
    token (as in MaskCLIP, Zhou et al. 2022, but without its change of the last attention): the simplest variant, and a
    weak one.
    """

    def __init__(self, clip: FrozenCLIP):
        self.clip = clip
        self._directions: dict[str, Tensor] = {}

    @torch.no_grad()
    def predict(
        self,
        images: Tensor | np.ndarray,
        class_names: list[str] | str,
        *,
        num_samples: int = 1,
        seed: int = 0,
        smoothing: float = EvalConfig.smoothing,
        top_fraction: float = EvalConfig.top_fraction,
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
    ) -> Prediction:
        """As `BayesPFL.predict`; num_samples and seed change nothing, since nothing is sampled: R and B are 1."""
        text = torch.stack([self.directions(name) for name in name_per_image(class_names, len(images))])  # (b, 2, D)
        with self.clip.autocast(precision):
            x, patches = self.clip.encode_image(self.clip.normalise(images))
            tokens = self.clip.visual.ln_post(patches[-1]) @ self.clip.visual.proj  # (b, N, D)
        evidence = self.evidence(torch.cat([x[:, None], tokens], dim=1).to(text), text)  # (b, 1 + N)
        grid = evidence[:, 1:].unflatten(1, (1, self.clip.grid, self.clip.grid))
        probability = torch.sigmoid(upsample(grid, self.clip.image_size))  # (b, 1, H, H)
        return summarise(
            torch.sigmoid(evidence[:, :1, None]),
            [probability],
            smoothing=smoothing * self.clip.image_size,
            top_fraction=top_fraction,
        )

    def evidence(self, tokens: Tensor, text: Tensor) -> Tensor:
        """Abnormal minus normal logit of tokens (b, n, D) against the two directions (b, 2, D) -> (b, n)."""
        cosines = F.normalize(tokens, dim=-1) @ text.transpose(1, 2)
        return self.clip.model.logit_scale.exp() * (cosines[..., 1] - cosines[..., 0])

    def directions(self, name: str) -> Tensor:
        """Unit vectors (2, D) of the normal and the abnormal sentences about a class."""
        if name not in self._directions:
            states = [F.normalize(self.clip.encode_text(texts), dim=-1).mean(dim=0) for texts in handwritten(name)]
            self._directions[name] = F.normalize(torch.stack(states), dim=-1)
        return self._directions[name]
