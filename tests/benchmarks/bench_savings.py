"""Time saved by each optimisation, measured in one run: `python tests/benchmarks/bench_savings.py`.

Predicting one image (B = 3, R = 10) and a training step of four, at ViT-B/16 and 224 px with random weights. Each row
adds one optimisation to the row above and computes the same numbers; ratios are to the image encoder's forward pass.
"""

import argparse
import time

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

import pfl
from pfl import bench, losses, model, prediction, tower
from pfl.clip import encode_tokens
from pfl.config import TrainConfig


def by_itself(text, sos, context, endings, eos, *, length=None, one_by_one=False, **_):
    """`tower.encode` without sharing: one row per prompt, padded to `length` tokens, in one batch or in a loop."""
    n, s, t, dim = endings.shape
    sos = by_itself.clip.token_embedding(by_itself.clip.tokenize([""])[0, 0])
    rows = torch.cat([sos.expand(n, s, 1, dim), context[:, None].expand(n, s, -1, dim), endings], dim=2).flatten(0, 1)
    if length:
        rows = F.pad(rows, (0, 0, 0, length - rows.shape[1]))
    place = (1 + context.shape[1] + eos).repeat_interleave(s)
    clip = by_itself.clip
    parts = rows.split(1 if one_by_one else len(rows))
    text = torch.cat([encode_tokens(clip.text, r, p) for r, p in zip(parts, place.split(len(parts[0])), strict=True)])
    return text.unflatten(0, (n, s))


def pixelwise(evidence, size):
    shape = evidence.shape
    maps = F.interpolate(evidence.reshape(-1, 1, *shape[-2:]), size=(size, size), mode="bilinear", align_corners=True)
    return maps.view(*shape[:-2], size, size)


def pairs(evidence, size):
    """Upsample both logits of a pair and take a softmax over them (replaced by the difference and a sigmoid)."""
    both = torch.stack([torch.zeros_like(evidence), evidence])
    up = pixelwise(both, size).softmax(0)
    return torch.logit(up[1].clamp(1e-7, 1 - 1e-7))


def slow_entropy(p):
    return torch.special.entr(p) + torch.special.entr(1 - p)


TOWER, UPSAMPLE, ENTROPY = tower.encode, losses.upsample, prediction.binary_entropy
ROWS = {
    "a loop over prompts of 77 tokens, pairs of maps": (
        lambda *a, **_: by_itself(*a, length=77, one_by_one=True), pairs, slow_entropy
    ),
    "+ all prompts in one batch": (lambda *a, **_: by_itself(*a, length=77), pairs, slow_entropy),
    "+ nothing after EOS": (by_itself, pairs, slow_entropy),
    "+ difference maps": (by_itself, pixelwise, slow_entropy),
    "+ shared SOS and context, EOS only in the last block": (TOWER, pixelwise, slow_entropy),
    "+ upsampling by matrices, fast entropy": (TOWER, UPSAMPLE, ENTROPY),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default="ViT-B-16")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    clip = pfl.load_clip(args.clip, pretrained="random", image_size=args.image_size)
    by_itself.clip = clip
    net = pfl.BayesPFL(clip)
    four = torch.rand(4, 3, args.image_size, args.image_size, generator=torch.Generator().manual_seed(0))
    step = bench._training_step(net, four, TrainConfig().precision)
    times: dict[tuple[str, str], list[float]] = {}
    first = None
    for round in range(args.rounds + 1):
        for name, (encode, upsample, entropy) in ROWS.items():
            tower.encode, losses.upsample, model.upsample, prediction.binary_entropy = (
                encode, upsample, upsample, entropy
            )  # fmt: skip
            cases = {
                "encode 1": lambda: net.features(four[:1]),
                "predict": lambda: net.predict(four[:1], bench.NAME),
                "encode 4": lambda: net.features(four),
                "train": step,
            }
            if round == 0:
                score = net.predict(four[:1], bench.NAME)
                first = first or score
                assert torch.allclose(score.map, first.map, atol=1e-4), name
                assert torch.allclose(score.score, first.score, atol=1e-4), name
            for case, run in cases.items():
                started = time.perf_counter()
                run()
                if round:
                    times.setdefault((name, case), []).append(time.perf_counter() - started)
    table = pd.DataFrame(
        {
            name: {
                "predict / encoder": np.median(np.divide(times[name, "predict"], times[name, "encode 1"])),
                "train step / encoder": np.median(np.divide(times[name, "train"], times[name, "encode 4"])),
                "predict ms": 1e3 * np.median(times[name, "predict"]),
                "train ms": 1e3 * np.median(times[name, "train"]),
            }
            for name in ROWS
        }
    ).T
    print(table.round(2).to_string())


if __name__ == "__main__":
    main()
