"""The text score by name, and what a class token can tell: `python tests/benchmarks/names.py --real FOLDER`.

For each set in FOLDER and the target of photographs: the image AUROC of the default's text score when all images are
called by one of NAMES; and that of a linear classifier on the class token, fitted to the set itself (cross-validated:
about what a text score could reach), and to the scenes of `--train` (what transfers). `--model` names another model.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pfl
from pfl.data import mvtec

# General words; nouns that the tiny CLIP learned from drawings; a defect; words that no caption names a thing by.
NAMES = ["object", "surface", "steel surface", "wood", "washer", "sticker", "hole", "road surface", "zebra"]


def embeddings(model: pfl.BayesPFL, data: pfl.data.Dataset) -> tuple[torch.Tensor, list[int]]:
    """The class tokens x (n, D) and the labels (n) of a set."""
    batches = pfl.data.loader(data, model.clip.image_size, 32)
    return torch.cat([model.features(batch.images)[0] for batch in batches]), [s.label for s in data.samples]


@torch.no_grad()
def text_score(model: pfl.BayesPFL, x: torch.Tensor, name: str) -> torch.Tensor:
    """The text score (n,) of images with class tokens x (n, D), all called by one name; R = 10."""
    text = model.sample_prompts(x, name, num_samples=10, seed=0).text.unflatten(1, (2, 10, -1))
    return model.image_logits(x, [], text).softmax(1)[:, 1].mean((1, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of real sets, as for measure_default.py")
    parser.add_argument("--train", type=Path, help="scenes, as `python -m pfl.workshop.photoscenes` writes them")
    parser.add_argument("--model", default="default", help="the default, or the folder of a stage 1 model")
    args = parser.parse_args()
    for folder in filter(None, (args.real, args.train)):
        if not folder.is_dir():
            parser.error(f"no folder {folder}")
    model, rows = pfl.load(args.model), {}
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=2000))
    if args.train:
        x, labels = embeddings(model, mvtec.read(args.train, name="scenes"))
        fitted = clone(linear).fit(F.normalize(x, dim=-1), labels)
    folders = sorted(path for path in args.real.iterdir() if path.is_dir()) if args.real else []
    for data in [pfl.data.load("photographs"), *(pfl.data.folder(p, class_name=f"{p.name} surface") for p in folders)]:
        x, labels = embeddings(model, data)
        row = {name: roc_auc_score(labels, text_score(model, x, name)) for name in NAMES}
        x = F.normalize(x, dim=-1)
        own = cross_val_predict(linear, x, labels, cv=5, method="decision_function")
        row["linear, own labels"] = roc_auc_score(labels, own)
        if args.train:
            row["linear, scenes"] = roc_auc_score(labels, fitted.decision_function(x))
        rows[data.name] = row
    print(pd.DataFrame(rows).round(3).to_string())


if __name__ == "__main__":
    main()
