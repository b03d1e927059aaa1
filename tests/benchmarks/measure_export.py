"""Size and error of exported files by their weights: `python tests/benchmarks/measure_export.py --model default`.

A model is exported for any name and for the names of the drawn target, with its weights in each format. Errors are
against `predict` with the same noise (R = 10), over every n-th image of the drawn target: the largest of any pixel of
the map, the mean of the map, and the largest of a score. Times are medians over the images, one at a time, one thread.
With `--clip` instead of `--model`, a model with random weights on a CLIP with random weights, and random images.
"""

import argparse
import statistics
import time

import numpy as np
import onnx
import onnxruntime
import open_clip
import pandas as pd
import torch

import pfl
from pfl.config import PRESETS
from pfl.data.samples import class_text
from pfl.data.transforms import image_tensor, read_image
from pfl.distributions import draw_noise
from pfl.export import Graph, describe, known_tokens, packed, to_onnx, trace


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def measure(model, content: bytes, images, names, expected, noise) -> dict:
    start = time.perf_counter()
    runtime = session(content)
    row, errors, times = {"MB": len(content) / 1e6, "load s": time.perf_counter() - start}, [], []
    for image, name, prediction in zip(images, names, expected, strict=True):
        tokens = open_clip.tokenize([class_text(name)])
        given = image[None], tokens[:, : tokens.argmax() + 1], noise.context, noise.states
        start = time.perf_counter()
        score, _, anomaly_map, _ = runtime.run(
            None, {one.name: x.numpy() for one, x in zip(runtime.get_inputs(), given, strict=True)}
        )
        times.append(time.perf_counter() - start)
        difference = np.abs(anomaly_map - prediction.map.numpy())
        errors.append((difference.max(), difference.mean(), np.abs(score - prediction.score.numpy()).max()))
    largest, mean, scores = zip(*errors, strict=True)
    row |= {"map max": max(largest), "map mean": statistics.mean(map(float, mean)), "score max": max(scores)}
    return row | {"run s": statistics.median(times)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default")
    parser.add_argument("--clip", help="a tag of open_clip")
    parser.add_argument("--preset", default="tiny", choices=PRESETS)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--num-samples", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.clip:
        clip = pfl.load_clip(arguments.clip, pretrained="random")
        model = pfl.BayesPFL(clip, pfl.preset(arguments.preset).model)
        names = ["metal nut", "cable"]
        images = torch.rand(2, 3, clip.image_size, clip.image_size, generator=torch.Generator().manual_seed(0))
    else:
        model = pfl.load(arguments.model)
        samples = pfl.data.load("workshop", split="target").samples[:: arguments.every]
        images = torch.stack([image_tensor(read_image(one.image), model.clip.image_size) for one in samples])
        names = [one.class_name for one in samples]
    noise = draw_noise(model.clip.dim, arguments.num_samples, torch.Generator().manual_seed(0))
    expected, times = [], []
    for image, name in zip(images, names, strict=True):
        start = time.perf_counter()
        expected.append(model.predict(image[None], [name], noise=noise))
        times.append(time.perf_counter() - start)
    print(f"{len(images)} images; predict by PyTorch: {statistics.median(times):.3f} s")
    rows = {}
    for which, known in (("any name", None), (f"{len(set(names))} names", known_tokens(model, sorted(set(names))))):
        proto = to_onnx(trace(Graph(model, known)))
        for weights in ("float32", "float16", "int8"):
            copy = onnx.ModelProto.FromString(proto.SerializeToString())
            content = packed(copy, describe(model, None if known is None else sorted(set(names)), weights), weights)
            rows[which, weights] = measure(model, content, images, names, expected, noise)
    print(pd.DataFrame(rows).T.to_string(float_format="%.2g"))
