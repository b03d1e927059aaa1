"""Inspect a folder of images: scores with their spread, heat maps, a CSV and a report; interrupted runs resume."""

import hashlib
import math
import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from accelerate import Accelerator
from PIL import Image
from tqdm.auto import tqdm

from . import report
from .clip import fingerprint
from .config import EvalConfig, Precision
from .data import Batch, Dataset, loader
from .data.files import write
from .data.transforms import read_image
from .parallel import Share, gather_objects, reading
from .ranges import check
from .shards import Log


def inspect(
    model,
    data: Dataset,
    out: str | Path,
    *,
    root: Path | None = None,
    threshold: float | None = None,
    num_samples: int = 10,
    seed: int = 0,
    precision: Precision = "fp32",
    heatmaps: bool = True,
    resume: bool = False,
    workers: int | None = None,
    engine: Accelerator | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Score every image and write `results.csv`, `heatmaps/` and `report.html` into the folder `out`.

    Args:
        root: folder that the images' names are relative to; default: their common folder.
        threshold: score in [0, 1] from which an image counts as defective; None: no decision.
        heatmaps: False writes none.
        resume: continue an interrupted run in `out`, without repeating finished images.
        workers: processes that read images; None: all cores for a GPU, 0 for a CPU.
        engine: from `parallel.accelerator`, if this is called in each of several processes, with the same `out`. Each
            takes its share of the images; the first one then writes the shards, `results-RANK.csv`, and the whole.

    Returns:
        a row per image, highest score first: name, score, score_std, label (if any is known), heatmap, and defective
        (if there is a threshold).

    Raises:
        FileExistsError: `out` contains a run and `resume` is False.
        ValueError: that run has other settings or other images.
    """
    check(threshold=threshold)
    root = Path(os.path.abspath(root or os.path.commonpath([os.path.abspath(s.image.parent) for s in data.samples])))
    out, share = Path(out), Share.of(engine)
    _check_out(out, data, root)
    names = {sample.image: _name(sample.image, root) for sample in data.samples}
    settings = {
        "CLIP": model.clip.fingerprint,
        "model": fingerprint(model.state_dict()),
        "set of images, labels or class names": _state_of_files(data, root),
        "number of samples": num_samples,
        "seed": seed,
        "precision": precision,
        "choice of heat maps": heatmaps,
    }
    log = Log(out, settings, resume=resume, rank=share.rank)
    finished = log.names()
    if engine:
        engine.wait_for_everyone()
    log.start()
    todo = share.of_list([sample for sample in data.samples if names[sample.image] not in finished])
    waiting: deque[tuple[dict, Future | None]] = deque()  # rows whose heat map is being drawn
    bar = tqdm(total=len(todo), desc="inspecting", unit="image", disable=not progress or share.rank > 0)

    def finish(but: int) -> None:
        while len(waiting) > but:
            row, drawing = waiting.popleft()
            if drawing:
                drawing.result()
            log.append(row)
            bar.update()

    with bar, ThreadPoolExecutor() as beside:
        for batch in _batches(model, replace(data, samples=tuple(todo)), workers):
            prediction = model.predict(
                batch.images, batch.class_names, num_samples=num_samples, seed=seed, precision=precision
            )
            for i, sample in enumerate(batch.samples):
                name, drawing = names[sample.image], None
                heatmap = f"heatmaps/{name}.png" if heatmaps else ""
                if heatmaps:
                    drawing = beside.submit(_save_heatmap, out / heatmap, sample.image, prediction.map[i].numpy())
                score, std = round(prediction.score[i].item(), 6), round(prediction.score_std[i].item(), 6)
                row = {"name": name, "score": score, "score_std": std, "label": sample.label, "heatmap": heatmap}
                waiting.append((row, drawing))
            finish(but=len(batch))  # heat maps are drawn while the next batch is predicted
        finish(but=0)
    if engine:
        engine.wait_for_everyone()
    shards = log.read()
    done = {name: row for rows in shards.values() for name, row in rows.items()}
    table = _table([done[name] for name in names.values()], threshold)
    if share.rank == 0:
        for shard, rows in shards.items() if len(shards) > 1 else ():
            write(out / f"results-{shard}.csv", _table(list(rows.values()), threshold).to_csv(index=False).encode())
        write(out / "results.csv", table.to_csv(index=False).encode())
        report.write(table, root, out / "report.html", title=data.name, threshold=threshold)
    return table


def _check_out(out: Path, data: Dataset, root: Path) -> None:
    """Raise ValueError for a folder of results that contains images: only heat maps in a folder of its own are known
    as such (`data.folder` leaves them out), and no image may be overwritten.
    """
    folders = {root.resolve(), *(folder.resolve() for folder in {sample.image.parent for sample in data.samples})}
    if out.resolve() in folders or any(one.is_relative_to(out.resolve() / "heatmaps") for one in folders):
        raise ValueError(f"{out} contains images to score; write the results into a folder of their own")


def _batches(model, data: Dataset, workers: int | None) -> Iterable[Batch]:
    if not len(data):
        return ()
    return loader(data, model.clip.image_size, **reading(model.clip.device, EvalConfig(workers=workers)))


def _table(rows: list[dict], threshold: float | None) -> pd.DataFrame:
    table = pd.DataFrame(rows).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    if table.label.isna().all():
        table = table.drop(columns="label")
    if threshold is not None:
        table["defective"] = table.score >= threshold
    return table


def _state_of_files(data: Dataset, root: Path) -> str:
    """SHA-256 of the images' names, sizes, dates, labels and class names: a million files need not be read for it."""
    digest = hashlib.sha256()
    for sample in data.samples:
        stat = sample.image.stat()
        facts = (
            _name(sample.image, root),
            stat.st_size,
            stat.st_mtime_ns,
            sample.class_name,
            sample.label,
            sample.white,
        )
        digest.update(repr(facts).encode())
    return digest.hexdigest()


def calibrate(scores, false_alarm_rate: float) -> float:
    """The threshold that a new normal image exceeds with at most the given probability.

    The conformal quantile of n normal scores: the k-th smallest, k = ceil((n + 1) (1 - rate)); valid for any
    distribution of the scores, if the new image is exchangeable with the others (Vovk et al. 2005).

    Raises:
        ValueError: too few scores for so low a rate.
    """
    scores = np.sort(np.asarray(scores, float))
    check(false_alarms=false_alarm_rate)
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite; leave its image out")
    k = math.ceil((len(scores) + 1) * (1 - false_alarm_rate) - 1e-9)
    if k > len(scores):
        need = math.ceil(1 / false_alarm_rate - 1e-9) - 1
        raise ValueError(
            f"{len(scores)} normal images are too few for a false-alarm rate of {false_alarm_rate}; give {need} or more"
        )
    return float(np.nextafter(scores[k - 1], np.inf))  # just above it: an equal score is no alarm


def scores_of(
    model, data: Dataset, *, engine: Accelerator | None = None, workers: int | None = None, **sampling
) -> np.ndarray:
    """The score of every image (n,), in any order, for `calibrate`.

    Args:
        engine, workers: as for `inspect`.
        sampling: num_samples, seed and precision of `model.predict`.
    """
    share, scores = Share.of(engine), []
    own = replace(data, samples=share.of_list(data.samples))
    for batch in tqdm(_batches(model, own, workers), "calibrating", disable=share.rank > 0):
        scores += model.predict(batch.images, batch.class_names, **sampling).score.tolist()
    return np.array(sum(gather_objects(engine, scores), []))


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
