"""Evaluate a model on a data set under both protocols: one row per image, and one row per category.

The protocols differ only in the image score: strict uses the model's own score, a function of one image; official uses
`official_scores`, which depend on the whole test set. So one pass over the images is enough for both.
"""

import platform
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import islice

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from tqdm.auto import tqdm

from .clip import fingerprint
from .config import EvalConfig
from .data import Batch, Dataset, loader
from .data.loading import warn_unread
from .metrics import PixelMetrics, image_metrics
from .parallel import Share, gather_objects, reading
from .prediction import Prediction, top_mean
from .ranges import check_finite, of_type

IMAGE_METRICS = ("image_auroc", "image_ap", "image_f1")
PIXEL_METRICS = ("pixel_auroc", "pixel_ap", "pixel_f1", "pixel_pro")

# The reference averages the map's 2000 largest pixels, of 518 x 518, but only 20 for classes known to have small
# defects. That is knowledge of the target.
OFFICIAL_TOP = 2000 / 518**2
OFFICIAL_TOP_SMALL = 20 / 518**2
TEXT_ONLY = ("headct", "brainmri", "br35h")  # data sets without masks: there its image score is the text score alone
SMALL_DEFECTS = ("capsules", "macaroni1", "macaroni2", "pipe_fryum", "screw", "cashew", "chewinggum")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The results of one pass over a data set.

    images has one row per image: path, category, defect, label (0, 1, or -1 unknown), strict_score (a function of that
    image alone) and its score_std over the samples, official_score, text_score, top_score (mean of the largest
    pixels of the unfiltered map: a part of the official score), entropy and mutual_information (nats, of text_score).
    pixels has one row per category: the pixel metrics (NaN where the data set has no masks).
    level says which metrics the data set allows (`Dataset.level`). unread has one row per image that could not be read:
    path, category, error. No metric includes them.
    """

    images: pd.DataFrame
    pixels: pd.DataFrame
    level: frozenset[str]
    unread: pd.DataFrame

    def table(self, protocol: str = "strict") -> pd.DataFrame:
        """One row per category and a row "mean": metrics as fractions (NaN where undefined), and num_images.

        num_unread, if there are any, counts the images that could not be read; those left out of a folder's account
        belong to no category and are in the last row only.
        """
        table = image_table(self.images, f"{protocol}_score", self.level).reindex(self.pixels.index).join(self.pixels)
        counts = self.images.groupby("category", sort=False).size().reindex(table.index, fill_value=0)
        table.loc["mean"] = table.mean()  # over the categories where a metric is defined
        table["num_images"] = [*counts, counts.sum()]
        if len(self.unread):
            left_out = self.unread.groupby("category").size().reindex(counts.index, fill_value=0)
            table["num_unread"] = [*left_out, len(self.unread)]
        return table.rename_axis("category")


def image_table(images: pd.DataFrame, score: str, level: frozenset[str] = frozenset({"image"})) -> pd.DataFrame:
    """Image metrics of a score, a column of `Evaluation.images`: one row per category, NaN where undefined."""
    rows = {}
    for category, group in images.groupby("category", sort=False):
        known = group[(group["label"] >= 0) & group[score].notna() & ("image" in level)]
        metrics = image_metrics(known[score], known["label"])
        rows[category] = {name: metrics[name.removeprefix("image_")] for name in IMAGE_METRICS}
    return pd.DataFrame.from_dict(rows, orient="index")


def evaluate(
    model, data: Dataset, config: EvalConfig | None = None, *, engine: Accelerator | None = None, progress: bool = False
) -> pd.DataFrame:
    """Evaluate a model on a data set: one row per category and a row "mean" (`Evaluation.table`); see `measure`."""
    config = of_type("config", EvalConfig() if config is None else config, EvalConfig)
    return measure(model, data, config, engine=engine, progress=progress).table(config.protocol)


def measure(
    model,
    data: Dataset,
    config: EvalConfig | None = None,
    *,
    engine: Accelerator | None = None,
    progress: bool = False,
    strict: bool = False,
) -> Evaluation:
    """Predict every image once and compute what both protocols need; memory grows by one row per image, not by its map.

    Args:
        model: a BayesPFL, or anything with `.clip` and `.predict(images, class_names, *, num_samples, seed, smoothing,
            top_fraction) -> Prediction`; `precision=` is passed only for half precision.
        data: labels and masks may be missing; what cannot be measured is NaN.
        config: its protocol is ignored. smoothing, a fraction of the image side, applies to both protocols (the
            reference's is 8 of 518). The number of official top pixels scales with the area of the map.
        engine: from `parallel.accelerator`, if this is called in each of several processes: they split the images of
            each category, and all return the whole result.
        strict: raise OSError for a file that cannot be read, instead of measuring without it (with a warning).

    Raises:
        ValueError: the data set has no images, or none that can be read.
        FloatingPointError: a score is NaN.
    """
    config, share = of_type("config", EvalConfig() if config is None else config, EvalConfig), Share.of(engine)
    of_type("data", data, Dataset)
    if not len(data):
        raise ValueError(f"data set {data.name!r} is empty; check its root folder, or the subset selected from it")
    precision = {} if config.precision == "fp32" else {"precision": config.precision}
    rows, pixels = [], {}
    # (path, category, error) of each image that could not be read
    unread = [(str(one.path), "", f"{one.why} {one.detail}".strip()) for one in data.unreadable]
    # This process's images of each category, which are measured one after the other: memory holds the pixels of one.
    parts = {category: data.subset(categories=[category]).samples for category in data.categories}
    own = {category: share.of_list(samples) for category, samples in parts.items()}
    local = replace(data, samples=tuple(sample for samples in own.values() for sample in samples))
    options = reading(model.clip.device, config)
    batches: Iterable[Batch] = ()
    if len(local):
        batches = iter(loader(local, model.clip.image_size, by_category=True, unread=not strict, **options))
    bar = tqdm(total=len(data), desc=data.name, unit="image", disable=not progress or share.rank > 0)
    with bar, ThreadPoolExecutor(max_workers=1) as beside:
        for category, whole in parts.items():
            stream = PixelMetrics() if "pixel" in data.level else None
            fraction = OFFICIAL_TOP_SMALL if category in SMALL_DEFECTS else OFFICIAL_TOP
            local_rows, failed, update = [], [], None
            for batch in islice(batches, -(-len(own[category]) // options["batch_size"])):
                failed += [(str(one.sample.image), category, one.error) for one in batch.unread]
                bar.update(len(batch.unread))
                if not batch.samples:
                    continue
                prediction = model.predict(
                    batch.images,
                    batch.class_names,
                    num_samples=config.num_samples,
                    seed=config.seed,
                    smoothing=config.smoothing,
                    top_fraction=config.top_fraction,
                    **precision,
                )
                check_finite(prediction, [sample.image for sample in batch.samples], config.precision)
                top = top_mean(prediction.raw_map, fraction)
                local_rows.append(_rows(batch.samples, batch.labels, prediction, top))
                if stream:  # while the next batch is predicted
                    if update:
                        update.result()
                    known = batch.labels >= 0
                    update = beside.submit(stream.update, prediction.map[known].clamp(0, 1), batch.masks[known])
                bar.update(len(batch.samples))
            if update:
                update.result()
            table = pd.concat(local_rows, ignore_index=True) if local_rows else pd.DataFrame()
            bad = {path for path, *_ in failed}
            table.index = [i for i in share.of_list(range(len(whole))) if str(whole[i].image) not in bad]
            gathered = gather_objects(engine, (table, failed, stream))
            tables = [table for table, *_ in gathered if len(table)]
            rows += [pd.concat(tables).sort_index()] if tables else []
            for rank, (_, others, other) in enumerate(gathered):
                unread += others
                if stream and rank != share.rank:
                    stream.add(other)
            bar.update(len(whole) - len(table) - len(failed))  # the images of the other processes
            metrics = stream.result() if stream and tables else {}
            pixels[category] = {name: metrics.get(name.removeprefix("pixel_"), np.nan) for name in PIXEL_METRICS}
    total = len(data) + len(data.unreadable)
    if not rows:
        raise ValueError(f"none of the {total} images of {data.name} could be read: {unread[0][-1]}")
    if share.rank == 0:
        warn_unread([error for *_, error in unread], total)
    images = pd.concat(rows, ignore_index=True)
    images.insert(4, "official_score", official_scores(images, text_only=data.name in TEXT_ONLY))
    return Evaluation(
        images=images,
        pixels=pd.DataFrame.from_dict(pixels, orient="index"),
        level=data.level,
        unread=pd.DataFrame(unread, columns=["path", "category", "error"]),
    )


def official_scores(images: pd.DataFrame, *, text_only: bool = False) -> pd.Series:
    """The reference's image score: half the text score and half the top score, each min-max normalised.

    text_only leaves out the top score, as the reference does for data sets in `TEXT_ONLY`.

    Normalisation is over all test images of the category, anomalous ones included (`normalised`).
    """
    scores = ["text_score"] if text_only else ["text_score", "top_score"]
    return normalised(images[scores], images["category"]).mean(axis=1, skipna=False)


def normalised(scores: pd.DataFrame, categories: pd.Series) -> pd.DataFrame:
    """Each column min-max normalised over the images of a category: NaN for a single image, 0 for equal values."""
    groups = scores.groupby(categories)
    low, high = groups.transform("min"), groups.transform("max")
    return ((scores - low) / (high - low).where(high > low, 1.0)).where(groups.transform("size").gt(1), axis=0)


def record(result: Evaluation, model, data: Dataset, config: EvalConfig) -> dict:
    """Everything needed to repeat an evaluation, and its tables under both protocols, as JSON (undefined metrics null).

    Data and weights are identified by their fingerprints; versions are those of this process.
    """
    tables = {}
    for protocol in ("strict", "official"):
        table = result.table(protocol)
        tables[protocol] = table.astype(object).where(table.notna(), None).to_dict(orient="index")
    return identity(model, data, config) | {
        "versions": {"python": platform.python_version()}
        | {
            name: version(name) for name in ("bayes-pfl", "torch", "open_clip_torch", "numpy", "opencv-python-headless")
        },
        "device": str(model.clip.device),
        "unread": result.unread.to_dict("records"),
        "tables": tables,
    }


def identity(model, data: Dataset, config: EvalConfig) -> dict:
    """What determines the result of an evaluation."""
    learned: dict = getattr(model, "state_dict", dict)()
    return {
        "data": data_summary(data),
        "clip": model.clip.identity,
        "model": asdict(model.config) if learned else type(model).__name__,
        "weights": fingerprint(learned) if learned else None,
        "stage": getattr(model, "stage", None),  # which of the two image heads
        "card": getattr(model, "card", {}),  # how it was trained, and what its epochs were selected on
        "evaluation": asdict(config),
    }


def data_summary(data: Dataset) -> dict:
    """Summary of a data set to store with a result."""
    summary = {"name": data.name, "part": data.part, "images": len(data), "fingerprint": data.fingerprint()}
    return summary | {"notes": list(data.notes)}


def _rows(samples: list, labels: torch.Tensor, prediction: Prediction, top: torch.Tensor) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "path": [str(sample.image) for sample in samples],
            "category": [sample.category for sample in samples],
            "defect": [sample.defect for sample in samples],
            "label": labels.numpy(),
            "strict_score": prediction.score.numpy(),
            "score_std": prediction.score_std.numpy(),
            "text_score": prediction.text_score.numpy(),
            "top_score": top.numpy(),
            "entropy": prediction.entropy.numpy(),
            "mutual_information": prediction.mutual_information.numpy(),
        }
    )
