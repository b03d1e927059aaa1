"""How much of an image score is protocol: the choices that turn maps and text scores into one number per image.

`score_parts` keeps what any of these choices needs, so that they can be compared without predicting again.
"""

from collections.abc import Mapping

import pandas as pd

from .config import EvalConfig
from .data import Dataset, loader
from .evaluation import OFFICIAL_TOP, OFFICIAL_TOP_SMALL, normalised
from .parallel import reading
from .prediction import top_mean

PIXELS = {"2000": OFFICIAL_TOP, "20": OFFICIAL_TOP_SMALL}  # by their number of 518 x 518


def score_parts(model, data: Dataset, config: EvalConfig | None = None) -> pd.DataFrame:
    """The parts of the image score: one row per image.

    Columns: path, category, label (-1 unknown), text (the text score), and the mean of the top pixels of the map, for
    both maps and both numbers of pixels: filtered-2000, filtered-20, raw-2000, raw-20.
    """
    config, rows = config or EvalConfig(), []
    for batch in loader(data, model.clip.image_size, **reading(model.clip.device, config)):
        prediction = model.predict(
            batch.images,
            batch.class_names,
            num_samples=config.num_samples,
            seed=config.seed,
            smoothing=config.smoothing,
        )
        part = pd.DataFrame(
            {
                "path": [str(sample.image) for sample in batch.samples],
                "category": [sample.category for sample in batch.samples],
                "label": batch.labels.numpy(),
                "text": prediction.text_score.numpy(),
            }
        )
        for kind, maps in (("filtered", prediction.map), ("raw", prediction.raw_map)):
            for pixels, fraction in PIXELS.items():
                part[f"{kind}-{pixels}"] = top_mean(maps, fraction).numpy()
        rows.append(part)
    return pd.concat(rows, ignore_index=True)


def image_scores(parts: pd.DataFrame, *, top: str | Mapping[str, str], normalise: bool = False) -> pd.Series:
    """Half the text score and half the top pixels of the map.

    Args:
        top: a column of `score_parts`, such as "filtered-2000", or one for each category.
        normalise: whether both halves are min-max normalised over the images of a category, as the reference does.
    """
    columns = parts["category"].map(top) if isinstance(top, Mapping) else pd.Series(top, parts.index)
    chosen = pd.Series([parts.at[i, column] for i, column in columns.items()], parts.index)
    halves = pd.DataFrame({"text": parts["text"], "top": chosen})
    if normalise:
        halves = normalised(halves, parts["category"])
    return halves.mean(axis=1, skipna=False)
