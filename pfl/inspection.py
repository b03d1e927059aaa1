"""Inspect a folder of images: scores with their spread, heat maps, a CSV and a report; interrupted runs resume."""

import json
import math
import os
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from . import report
from .clip import fingerprint
from .data import Dataset, loader
from .data.files import require_same, write
from .data.transforms import read_image

LOG = "progress.jsonl"  # the settings, then a line per image, written when the image is done


def inspect(
    model,
    data: Dataset,
    out: str | Path,
    *,
    root: Path | None = None,
    threshold: float | None = None,
    num_samples: int = 10,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """Score every image and write `results.csv`, `heatmaps/` and `report.html` into the folder `out`.

    Args:
        root: folder that the images' names are relative to; default: their common folder.
        threshold: score in [0, 1] from which an image counts as defective; None: no decision.
        resume: continue an interrupted run in `out`, without repeating finished images.

    Returns:
        a row per image, highest score first: name, score, score_std, label (if any is known), heatmap, and defective
        (if there is a threshold).

    Raises:
        FileExistsError: `out` contains a run and `resume` is False.
        ValueError: that run has other settings or other images.
    """
    root = Path(os.path.abspath(root or os.path.commonpath([os.path.abspath(s.image.parent) for s in data.samples])))
    out = Path(out)
    log = out / LOG
    settings = {
        "CLIP": model.clip.fingerprint,
        "model": fingerprint(model.state_dict()),
        "set of images, labels or class names": data.fingerprint(),
        "number of samples": num_samples,
        "seed": seed,
    }
    done = _finished_rows(log, settings, resume)
    if not done:
        write(log, json.dumps(settings).encode())
    todo = [s for s in data.samples if _name(s.image, root) not in done]
    for sample in tqdm(
        todo, "inspecting", len(data), initial=len(data) - len(todo), unit="image", disable=not progress
    ):
        batch = next(iter(loader(Dataset(name=data.name, samples=(sample,)), model.clip.image_size, 1)))
        prediction = model.predict(batch.images, batch.class_names, num_samples=num_samples, seed=seed)
        name = _name(sample.image, root)
        heatmap = Path("heatmaps") / f"{name}.png"
        _save_heatmap(out / heatmap, sample.image, prediction.map[0].numpy())
        row = {
            "name": name,
            "score": round(prediction.score.item(), 6),
            "score_std": round(prediction.score_std.item(), 6),
            "label": sample.label,
            "heatmap": heatmap.as_posix(),
        }
        _append(log, row)
        done[name] = row
    names = [_name(s.image, root) for s in data.samples]
    table = pd.DataFrame([done[name] for name in names]).sort_values("score", ascending=False, kind="stable")
    if table.label.isna().all():
        table = table.drop(columns="label")
    if threshold is not None:
        table["defective"] = table.score >= threshold
    write(out / "results.csv", table.to_csv(index=False).encode())
    report.write(table, root, out / "report.html", title=data.name, threshold=threshold)
    return table.reset_index(drop=True)


def calibrate(scores, false_alarm_rate: float) -> float:
    """The threshold that a new normal image exceeds with at most the given probability.

    The conformal quantile of n normal scores: the k-th smallest, k = ceil((n + 1) (1 - rate)); valid for any
    distribution of the scores, if the new image is exchangeable with the others (Vovk et al. 2005).

    Raises:
        ValueError: too few scores for so low a rate.
    """
    scores = np.sort(np.asarray(scores, float))
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"a false-alarm rate of {false_alarm_rate} is not between 0 and 1; 0.05 is one in twenty")
    k = math.ceil((len(scores) + 1) * (1 - false_alarm_rate) - 1e-9)
    if k > len(scores):
        need = math.ceil(1 / false_alarm_rate - 1e-9) - 1
        raise ValueError(
            f"{len(scores)} normal images are too few for a false-alarm rate of {false_alarm_rate}; give {need} or more"
        )
    return float(np.nextafter(scores[k - 1], np.inf))  # just above it: an equal score is no alarm


def scores_of(model, data: Dataset, *, num_samples: int = 10, seed: int = 0) -> np.ndarray:
    """The score of every image (n,), for `calibrate`."""
    scores = []
    for batch in tqdm(loader(data, model.clip.image_size, 8), "calibrating"):
        prediction = model.predict(batch.images, batch.class_names, num_samples=num_samples, seed=seed)
        scores += prediction.score.tolist()
    return np.array(scores)


def overlay(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """The image overlaid with a map (h, w) in [0, 1], more opaque where it is higher; at the image's own size."""
    heat = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(image.size, Image.Resampling.BILINEAR)).clip(0, 1)
    colours = matplotlib.colormaps["inferno"](heat)[..., :3] * 255
    alpha = (0.15 + 0.6 * heat)[..., None]
    return Image.fromarray((np.asarray(image) * (1 - alpha) + colours * alpha).astype(np.uint8))


def _save_heatmap(path: Path, image: Path, heat: np.ndarray) -> None:
    picture = overlay(read_image(image), heat)
    write(path, lambda file: picture.save(file, format="PNG"))


def _name(image: Path, root: Path) -> str:
    """The image's path relative to an absolute root; links are not resolved, since they may lead outside it."""
    return Path(os.path.abspath(image)).relative_to(root).as_posix()


def _append(log: Path, row: dict) -> None:
    with open(log, "a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(row))  # starts a new line, even after one cut off by a kill


def _finished_rows(log: Path, settings: dict, resume: bool) -> dict[str, dict]:
    """The rows of an earlier run by image name; a last line that was cut off by a kill is ignored."""
    if not log.exists():
        return {}
    if not resume:
        raise FileExistsError(f"{log.parent} contains an earlier run; use --resume to continue it, or another folder")
    rows = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    if rows:
        require_same(log.parent, rows[0], settings)
    return {row["name"]: row for row in rows[1:] if (log.parent / row["heatmap"]).exists()}
