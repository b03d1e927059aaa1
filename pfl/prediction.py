"""Combine the samples' probabilities into one score and one map per image, with the uncertainty of both."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from .caching import cached


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Prediction for b images, on the CPU; every value of an image depends on that image alone.

    The B * R prompts form an ensemble, each with its own probability. `entropy` is the entropy of their mean, H[E p];
    `mutual_information` is the part of it due to disagreement, H[E p] - E H[p] (both in nats, at most log 2). Their
    difference is the expected entropy E H[p]. Standard deviations are over the R samples.
    """

    score: Tensor  # (b,) in [0, 1]: half the text score, half the mean of the map's top fraction
    score_std: Tensor  # (b,) over the R samples
    map: Tensor  # (b, H, H) probability of an anomaly in [0, 1], smoothed if requested
    map_std: Tensor  # (b, H, H) over the R samples
    raw_map: Tensor  # (b, H, H) the map before smoothing
    text_score: Tensor  # (b,) probability of an anomaly from the whole image, mean over prompts
    sample_scores: Tensor  # (b, R) the score of each sample alone
    prompt_probabilities: Tensor  # (b, R, B) of the whole image, one for each prompt; their mean is text_score
    entropy: Tensor  # (b,) of text_score
    mutual_information: Tensor  # (b,)
    map_entropy: Tensor  # (b, H, H) of the map before smoothing
    map_mutual_information: Tensor  # (b, H, H)

    @classmethod
    def cat(cls, parts: list["Prediction"]) -> "Prediction":
        """Concatenate the predictions of several batches."""
        if len(parts) == 1:
            return parts[0]
        return cls(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)})


def summarise(
    text: Tensor, maps: Iterable[Tensor], *, smoothing: float = 0.0, top_fraction: float = 0.0075
) -> Prediction:
    """Combine R samples into a `Prediction`; memory holds one map per sample, and those of all prompts part by part.

    Args:
        text: abnormal probability of the whole image by each prompt (b, R, B).
        maps: parts (b, r, B, H, H) of the R samples: the abnormal probability of each pixel by each prompt.
        smoothing: sd of a Gaussian filter over the map, in pixels; 0 for none.
        top_fraction: fraction of the map's pixels in the image score.
    """
    samples, expected_entropy = _over_prompts(maps)
    raw, samples = samples.mean(dim=1), smooth(samples, smoothing)
    mean = samples.mean(dim=1)
    sample_scores = image_score(text.mean(dim=2), samples, top_fraction)
    text_score = text.mean(dim=(1, 2))
    entropy, map_entropy = binary_entropy(text_score), binary_entropy(raw)
    values = Prediction(
        score=image_score(text_score, mean, top_fraction),
        score_std=sample_scores.std(dim=1, correction=0),
        map=mean,
        map_std=samples.std(dim=1, correction=0),
        raw_map=raw,
        text_score=text_score,
        sample_scores=sample_scores,
        prompt_probabilities=text,
        entropy=entropy,
        mutual_information=(entropy - binary_entropy(text).mean(dim=(1, 2))).clamp(min=0),
        map_entropy=map_entropy,
        map_mutual_information=(map_entropy - expected_entropy).clamp(min=0),
    )
    # All copies to the CPU are started, into pinned memory, before any is waited for.
    on_cpu = {name: value.to("cpu", non_blocking=True) for name, value in vars(values).items()}
    if text.is_cuda:
        torch.cuda.current_stream(text.device).synchronize()
    return Prediction(**on_cpu)


def _over_prompts(maps: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Each sample's mean map over its prompts (b, R, H, H), and the mean entropy over all prompts (b, H, H)."""
    samples, entropy = [], torch.zeros(())
    for part in maps:
        samples.append(part.mean(dim=2))
        entropy = entropy + binary_entropy(part).mean(dim=2).sum(dim=1)
    combined = torch.cat(samples, dim=1)
    return combined, entropy / combined.shape[1]


def image_score(text_score: Tensor, anomaly_map: Tensor, top_fraction: float) -> Tensor:
    """Half the text score (...) plus half the mean of the map's (..., H, H) largest values, for each map alone."""
    return 0.5 * (text_score + top_mean(anomaly_map, top_fraction))


def top_mean(anomaly_map: Tensor, fraction: float) -> Tensor:
    """Mean of the largest values of each map, a fraction of its pixels (at least one): (..., H, H) -> (...)."""
    pixels = anomaly_map.flatten(-2)
    return pixels.topk(max(1, round(fraction * pixels.shape[-1])), dim=-1).values.mean(dim=-1)


def binary_entropy(p: Tensor) -> Tensor:
    """Entropy in nats of a Bernoulli variable with probability p."""
    q, least = 1 - p, torch.finfo(p.dtype).tiny  # 0 log 0 is 0; clamping is far faster than torch.special.entr
    return p.clamp(min=least).log_().mul_(p).addcmul_(q, q.clamp(min=least).log_()).neg_()


def smooth(anomaly_map: Tensor, sd: float) -> Tensor:
    """Gaussian filter over (..., H, H), mirrored at the edges: equal to scipy's, computed as two matrix products."""
    if not sd:
        return anomaly_map
    matrix = _filter_matrix(anomaly_map.shape[-1], float(sd), anomaly_map.device, anomaly_map.dtype)
    return matrix @ anomaly_map @ matrix.T


@cached(maxsize=8)
def _filter_matrix(size: int, sd: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(gaussian_filter1d(np.eye(size), sd, axis=0), device=device, dtype=dtype)
