"""Baselines: the same CLIP and the same evaluation, with parts of the method removed.

`HandwrittenPrompts` learns nothing; `learned_prompt` learns one prompt per state; `prompt_bank` learns B per state.
None of them samples, so one sample is enough.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .clip import FrozenCLIP
from .config import EvalConfig, ModelConfig, Precision
from .losses import upsample
from .model import BayesPFL
from .prediction import Prediction, summarise
from .prompts import handwritten, name_per_image


def learned_prompt(clip: FrozenCLIP, *, seed: int = 0) -> BayesPFL:
    """Return a model with one learned prompt per state, without distributions and cross-modal attention.

    Similar to CoOp (Zhou et al. 2022) and AnomalyCLIP (Zhou et al. 2024). Train it with `pfl.train`.
    """
    return BayesPFL(clip, ModelConfig(num_prompts=1, isd=False, iad=False, rca=False), seed=seed)


def prompt_bank(clip: FrozenCLIP, *, num_prompts: int = 3, seed: int = 0) -> BayesPFL:
    """Return Bayes-PFL without its distributions: B deterministic prompts per state. Train it with `pfl.train`."""
    return BayesPFL(clip, ModelConfig(num_prompts=num_prompts, isd=False, iad=False), seed=seed)


class HandwrittenPrompts:
    """Plain CLIP with WinCLIP's prompt ensemble for each state (Jeong et al. 2023), without its windows.

    The unit embeddings of a state's sentences are averaged into one direction. CLIP's softmax over the two states, with
    its trained temperature, gives the probability. The image score uses the class token. The map uses the patches of
    the last feature layer, passed through the final norm and the projection as if each were a class token (as in
    MaskCLIP, Zhou et al. 2022, but without its change to the last attention): the simplest variant, and a weak one.
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
        precision: Precision = "fp32",
    ) -> Prediction:
        """Predict as `BayesPFL.predict` does. Nothing is sampled: R = B = 1; num_samples and seed have no effect."""
        text = torch.stack([self.directions(name) for name in name_per_image(class_names, len(images))])  # (b, 2, D)
        clip = self.clip.to_precision(precision)
        x, patches = clip.encode_image(clip.normalise(images))
        tokens = clip.visual.ln_post(patches[-1]) @ clip.visual.proj  # (b, N, D)
        evidence = self.evidence(torch.cat([x[:, None], tokens], dim=1).to(text), text)  # (b, 1 + N)
        grid = evidence[:, 1:].unflatten(1, (1, self.clip.grid, self.clip.grid))
        probability = torch.sigmoid(upsample(grid, self.clip.image_size))  # (b, 1, H, H)
        return summarise(
            torch.sigmoid(evidence[:, :1, None]),
            [probability[:, None]],
            smoothing=smoothing * self.clip.image_size,
            top_fraction=top_fraction,
        )

    def evidence(self, tokens: Tensor, text: Tensor) -> Tensor:
        """Abnormal minus normal logit (b, n) of tokens (b, n, D), given the two directions (b, 2, D)."""
        cosines = F.normalize(tokens, dim=-1) @ text.transpose(1, 2)
        return self.clip.model.logit_scale.exp() * (cosines[..., 1] - cosines[..., 0])

    def directions(self, name: str) -> Tensor:
        """Unit vectors (2, D) of the normal and the abnormal sentences for a class."""
        if name not in self._directions:
            states = [F.normalize(self.clip.encode_text(texts), dim=-1).mean(dim=0) for texts in handwritten(name)]
            self._directions[name] = F.normalize(torch.stack(states).to(self.clip.mean), dim=-1)
        return self._directions[name]
