"""Inspect a folder of images: scores with their spread, a CSV and a report; interrupted runs resume."""

import hashlib
import math
import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from accelerate import Accelerator
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from . import report
from .clip import fingerprint
from .config import EvalConfig, Precision
from .data import Batch, Dataset, Sample, loader
from .data import folder as own_folder
from .data.account import LeftOut
from .data.loading import warn_unread
from .data.own.places import ANOMALOUS_NAMES, plain
from .data.transforms import bounded, read_image
from .data.writing import write, write_table
from .heatmaps import SIDE, overlay, place
from .metrics import as_numbers
from .parallel import Share, gather_objects, reading
from .ranges import check
from .shards import Log, merged

ABOVE_ALL = float(np.nextafter(1, 2))  # the threshold that no score reaches


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
    full_size: bool = False,
    resume: bool = False,
    workers: int | None = None,
    engine: Accelerator | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Score every image and write `results.csv`, `heatmaps/` and `report.html` into the folder `out`.

    Args:
        root: folder that the images' names are relative to; default: their common folder.
        threshold: score from which an image counts as defective, in [0, 1] or `ABOVE_ALL`; None: no decision.
        heatmaps: False writes none.
        full_size: heat maps at the size of their images, even if it is more than `heatmaps.SIDE` pixels.
        resume: continue an interrupted run in `out`. Finished images are not repeated; new ones and those that could
            not be read are tried.
        workers: processes that read images; None: all cores for a GPU, 0 for a CPU.
        engine: from `parallel.accelerator`, if this is called in each of several processes, with the same `out`. Each
            takes its share of the images; the first one then writes the shards, `results-RANK.csv`, and the whole.

    Returns:
        a row per image, highest score first: name, score, score_std, label (if any is known), heatmap, error, and
        defective (if there is a threshold). An image that cannot be read has an error and no score; it never stops the
        run, and a warning counts such images.

    Raises:
        FileExistsError: `out` contains a run and `resume` is False.
        ValueError: that run has other settings, or an image that is finished there has changed since.
    """
    if threshold != ABOVE_ALL:
        check(threshold=threshold)
    root = Path(os.path.abspath(root or os.path.commonpath([os.path.abspath(s.image.parent) for s in data.samples])))
    out, share = Path(out), Share.of(engine)
    _check_out(out, data, root)
    names = {sample.image: _name(sample.image, root) for sample in data.samples}
    samples = {names[sample.image]: sample for sample in data.samples}
    settings = {
        "CLIP": model.clip.fingerprint,
        "model": fingerprint(model.state_dict()),
        "number of samples": num_samples,
        "seed": seed,
        "precision": precision,
        "choice of heat maps": [heatmaps, full_size],
    }
    log = Log(out, settings, resume=resume, rank=share.rank)
    _check_unchanged(out, log.finished, _states({name: samples[name] for name in log.finished if name in samples}))
    if engine:
        engine.wait_for_everyone()
    log.start()
    todo = share.of_list([sample for name, sample in samples.items() if name not in log.finished])
    files = _states({names[sample.image]: sample for sample in todo})
    thumbnails: dict[str, Future[str]] = {}  # for the report, which need not read these images again
    waiting: deque[tuple[dict, Future | None]] = deque()  # rows whose heat map is being drawn
    bar = tqdm(total=len(todo), desc="inspecting", unit="image", disable=not progress or share.rank > 0)

    def finish(but: int) -> None:
        while len(waiting) > but:
            row, drawing = waiting.popleft()
            if drawing:
                drawing.result()
            log.append(row)
            bar.update()

    side = None if full_size else SIDE
    pictures = side if heatmaps and not reading(model.clip.device, EvalConfig(workers=workers))["workers"] else None
    with bar, ThreadPoolExecutor(1 if full_size else os.cpu_count()) as beside:
        for batch in _batches(model, replace(data, samples=tuple(todo)), workers, pictures):
            for unread in batch.unread:
                waiting.append(({"name": names[unread.sample.image], "error": unread.error}, None))
            if batch.samples:
                prediction = model.predict(
                    batch.images, batch.class_names, num_samples=num_samples, seed=seed, precision=precision
                )
            for i, sample in enumerate(batch.samples):
                name, drawing = names[sample.image], None
                heatmap = place(name) if heatmaps else ""
                if heatmaps:
                    picture = Image.fromarray(batch.pictures[i]) if batch.pictures else None
                    heat = prediction.map[i].numpy()
                    drawing = beside.submit(_save_heatmap, out / heatmap, sample, heat, picture, side)
                    if picture and len(thumbnails) < report.MOST:
                        thumbnails[name] = beside.submit(report.embed, picture)
                score, std = rounded(prediction.score)[i], rounded(prediction.score_std)[i]
                row = {"name": name, "score": score, "score_std": std, "heatmap": heatmap, "file": files[name]}
                waiting.append((row, drawing))
            finish(but=len(batch))  # heat maps are drawn while the next batch is predicted
        finish(but=0)
    if engine:
        engine.wait_for_everyone()
    shards = log.read()
    done = merged(shards)
    rows = [done[name] | {"label": sample.label} for name, sample in samples.items()]
    rows += [_row_of(one, root) for one in data.unreadable]
    table = _table(rows, threshold)
    if share.rank == 0:
        for shard, part in shards.items() if len(shards) > 1 else ():
            own = [row for row in rows if part.get(row["name"]) is done.get(row["name"], row)]
            write_table(out / f"results-{shard}.csv", _table(own, threshold))
        write_table(out / "results.csv", table)
        embedded = lambda name: thumbnails[name].result() if name in thumbnails else _thumbnail(samples[name])  # noqa: E731
        report.write(table, embedded, out / "report.html", title=data.name, threshold=threshold)
        warn_unread([row["error"] for row in rows if row.get("error")], len(rows))
    return table


def _check_out(out: Path, data: Dataset, root: Path) -> None:
    """Raise ValueError for a folder of results that contains images: only heat maps in a folder of its own are known
    as such (`data.folder` leaves them out), and no image may be overwritten.
    """
    folders = {root.resolve(), *(folder.resolve() for folder in {sample.image.parent for sample in data.samples})}
    if out.resolve() in folders or any(one.is_relative_to(out.resolve() / "heatmaps") for one in folders):
        raise ValueError(f"{out} contains images to score; write the results into a folder of their own")


def _batches(model, data: Dataset, workers: int | None, pictures: int | None = None) -> Iterable[Batch]:
    """Batches of the images, which need no mask."""
    if not len(data):
        return ()
    bare = replace(data, samples=tuple(replace(sample, mask=None, more_masks=()) for sample in data.samples))
    options = reading(model.clip.device, EvalConfig(workers=workers))
    if pictures:
        # The pictures are held until the next batch is predicted.
        options["batch_size"] = min(options["batch_size"], 8)
    return loader(bare, model.clip.image_size, pictures=pictures, unread=True, **options)


def _table(rows: list[dict], threshold: float | None) -> pd.DataFrame:
    """The results, highest score first, then the errors."""
    columns = ["name", "score", "score_std", "label", "heatmap", "error"]
    table = pd.DataFrame([{"heatmap": "", "error": ""} | row for row in rows], columns=columns)
    table = table.sort_values("score", ascending=False, kind="stable", ignore_index=True)
    table = table.astype({"score": float, "score_std": float})
    if table.label.isna().all():
        table = table.drop(columns="label")
    if threshold is not None:
        table["defective"] = table.score >= threshold
        if (unread := table.score.isna()).any():
            table["defective"] = table.defective.astype("boolean").mask(unread)  # unknown
    return table


def _row_of(one: LeftOut, root: Path) -> dict:
    error = f"cannot read {one.path} ({one.why}{': ' * bool(one.detail)}{one.detail})"
    return {"name": Path(os.path.relpath(one.path, root)).as_posix(), "error": error}


def _states(samples: dict[str, Sample]) -> dict[str, str]:
    """A hash of each image's file and of what else determines its score, by name; "" if there is no such file."""
    with ThreadPoolExecutor() as pool:
        return dict(zip(samples, pool.map(_state_of_file, samples.values()), strict=True))


def _state_of_file(sample: Sample) -> str:
    found = hashlib.sha256(repr((sample.class_name, sample.white)).encode())
    try:
        if not sample.image.is_file():  # a pipe would wait
            return ""
        with open(sample.image, "rb") as file:
            while part := file.read(2**20):
                found.update(part)
    except OSError:
        return ""
    return found.hexdigest()[:12]


def _check_unchanged(out: Path, finished: dict[str, dict], files: dict[str, str]) -> None:
    """Raise ValueError if an image that is finished in `out` is gone or has changed since."""
    for name, row in finished.items():
        if row["file"] != files.get(name):
            what = f"{name} has changed since, or its class name" if name in files else f"{name} is gone"
            raise ValueError(
                f"{out} holds a run with another set of images: {what}; "
                "choose another folder, or delete it to start again"
            )


def calibrate(scores, false_alarm_rate: float) -> float:
    """The threshold that a new normal image exceeds with at most the given probability.

    The conformal quantile of n normal scores: the k-th smallest, k = ceil((n + 1) (1 - rate)); valid for any
    distribution of the scores, if the new image is exchangeable with the others (Vovk et al. 2005). They are those of
    `scores_of`, which are rounded as the results of `inspect` are.

    Raises:
        ValueError: too few scores for so low a rate.
    """
    scores = np.sort(as_numbers("scores", scores).ravel().astype(float))
    check(false_alarms=false_alarm_rate)
    k = max(1, math.ceil((len(scores) + 1) * (1 - false_alarm_rate) - 1e-9))
    if k > len(scores):
        need = math.ceil(1 / false_alarm_rate - 1e-9) - 1
        raise ValueError(
            f"{len(scores)} normal images are too few for a false-alarm rate of {false_alarm_rate}; give {need} or more"
        )
    return float(np.nextafter(scores[k - 1], np.inf))  # just above it: an equal score is no alarm


def rounded(scores: Tensor) -> list[float]:
    """Scores as they are written and compared with a threshold."""
    return [round(score, 6) for score in scores.tolist()]


def known_normal(folder: str | Path, **options) -> Dataset:
    """The images of an own folder (`data.folder`) to calibrate on: those labelled normal; all, if it has no labels."""
    data = own_folder(folder, **options)
    labels = {sample.label for sample in data.samples}
    if 0 not in labels and (1 in labels or plain(Path(folder).resolve().name) in ANOMALOUS_NAMES):
        raise ValueError(f"no image of {folder} is known to be normal; give a folder with normal ones")
    return data.subset(keep=lambda sample: sample.label == 0 or labels == {None})


def scores_of(
    model, data: Dataset, *, engine: Accelerator | None = None, workers: int | None = None, **sampling
) -> np.ndarray:
    """The score of every image that can be read (n,), in any order, for `calibrate`; a warning counts the others.

    Args:
        engine, workers: as for `inspect`.
        sampling: num_samples, seed and precision of `model.predict`.
    """
    share, scores, errors = Share.of(engine), [], []
    own = replace(data, samples=share.of_list(data.samples))
    for batch in tqdm(_batches(model, own, workers), "calibrating", disable=share.rank > 0):
        errors += [unread.error for unread in batch.unread]
        if batch.samples:
            scores += rounded(model.predict(batch.images, batch.class_names, **sampling).score)
    errors = sum(gather_objects(engine, errors), [])
    if share.rank == 0:
        warn_unread(errors, len(data))
    return np.array(sum(gather_objects(engine, scores), []))


def _save_heatmap(path: Path, sample: Sample, heat: np.ndarray, picture: Image.Image | None, side: int | None) -> None:
    """Write the heat map of an image, which is read unless it is given as a picture of at most `side` pixels."""
    picture = overlay(picture or bounded(read_image(sample.image, sample.white), side), heat)
    write(path, lambda file: picture.save(file, format="PNG"))


def _thumbnail(sample: Sample) -> str:
    try:
        return report.embed(read_image(sample.image, sample.white))
    except OSError:  # it vanished since it was predicted
        return ""


def _name(image: Path, root: Path) -> str:
    """The image's path relative to an absolute root; links are not resolved, since they may lead outside it."""
    return Path(os.path.abspath(image)).relative_to(root).as_posix()
