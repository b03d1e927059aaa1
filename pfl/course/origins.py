"""Where the nine pictures of the target of photographs come from, and their licences."""

from collections.abc import Sequence

import pandas as pd

from ..workshop import phototarget

LICENCES = {  # docstrings of skimage.data
    "brick": "CC0 (CC0Textures)",
    "coffee": "CC0 (Rachel Michetti)",
    "coin": "no known restrictions (Brooklyn Museum)",
    "fur": "CC0 (Stefan van der Walt)",
    "grass": "CC0 (linolafett)",
    "gravel": "CC0 (CC0Textures)",
    "retina": "CC0 (Mikael Häggström)",
    "sky": "public domain (NASA)",
    "tissue": "no known restrictions (CMMI)",
}


def table(categories: Sequence[str]) -> pd.DataFrame:
    """A row for each category: its picture of scikit-image, the picture's licence and source, the painted defects."""
    rows = {c: (phototarget.SOURCES[c][0], LICENCES[c], ", ".join(phototarget.defects_of(c))) for c in categories}
    columns = ["picture of scikit-image", "licence and source", "painted defects"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("category")
