"""Two data sets that are Python packages, image level only: photographs of solar cells, and simulated textiles."""

import csv
import importlib.util
from pathlib import Path

from .files import Folder
from .samples import Dataset, Sample

WHERE = {
    "elpv": "elpv: solar cells, load('elpv'), measured per image\nsource:  pip install elpv-dataset (ZAE Bayern)\n"
    "licence: CC BY-NC-SA 4.0 (images), Apache-2.0 (code)\nwhole:   1508 normal and 715 anomalous images",
    "textile": "textile: simulated noise fields, load('textile'), measured per image\n"
    "source:  pip install conformal-clip-data (Megahed et al., 2025)\n"
    "licence: MIT\nwhole:   1000 normal and 1000 anomalous images",
}


def elpv() -> Dataset:
    """Electroluminescence images of solar cells: 1,508 intact, 715 certainly defective.

    The 401 cells whose defect probability lies between 0 and 1 are left out. CC BY-NC-SA 4.0.
    """
    data = _package("elpv_dataset", "elpv-dataset") / "data"
    samples = []
    with open(data / "labels.csv", encoding="utf-8") as file:
        # "images/cell0001.png  1.0  mono": columns are separated by one or more spaces.
        for path, probability, kind in csv.reader(file, delimiter=" ", skipinitialspace=True):
            if float(probability) in (0.0, 1.0):
                samples.append(
                    Sample(
                        image=data / path,
                        category=f"{kind}crystalline",
                        class_name="solar cell",
                        label=int(float(probability)),
                    )
                )
    samples.sort(key=lambda sample: (sample.category, sample.image))
    return Dataset(name="elpv", samples=tuple(samples), layout="package", part="whole")


def textile() -> Dataset:
    """Simulated textiles: 1,000 nominal, 500 local, 500 global ones (Megahed et al., 2025).

    They are noise fields, not photographs. A nominal one has one grain, a local one another grain in one place, a
    global one another grain everywhere.
    """
    root = Folder(_package("conformal_clip_data", "conformal-clip-data") / "data" / "textile_images" / "simulated")
    samples = [
        Sample(
            image=image,
            category="textile",
            class_name="textile",
            label=int(kind != "nominal"),
            defect="" if kind == "nominal" else kind,
        )
        for kind in ("nominal", "local", "global")
        for image in root.folders[kind].images
    ]
    return Dataset(name="textile", samples=tuple(samples), layout="package", part="whole")


def _package(module: str, distribution: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(
            f"this data set is the package {distribution}, which is not installed: pip install {distribution}"
        )
    return Path(found.origin).parent
