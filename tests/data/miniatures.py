"""The fifteen data sets in miniature, with their known pitfalls.

Every image is 16 x 12 and its defect is the left half, so that a mask read wrongly is noticed.
"""

import numpy as np
from PIL import Image

import pfl.data
import pfl.data.files
from pfl.data import Sample

HALF = np.zeros((12, 16), dtype=np.uint8)
HALF[:, :8] = 1


def write(path, kind="image"):
    """Write a test file: kind is image, grey, mask, ids, palette, bits, empty, or text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "text" or path.suffix.lower() not in pfl.data.files.IMAGE_SUFFIXES:
        path.write_text("not an image")
        return
    noise = np.random.default_rng(len(str(path.name))).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    picture = {
        "image": Image.fromarray(noise),
        "grey": Image.fromarray(noise[..., 0]),
        "mask": Image.fromarray(HALF * 255 if path.suffix != ".jpg" else 7 + HALF * 241),  # a JPEG is never quite black
        "ids": Image.fromarray(HALF * (1 + noise[..., 0] % 9)),
        "bits": Image.fromarray(HALF * 255).convert("1"),
        "empty": Image.fromarray(HALF * 0),
        "palette": Image.fromarray(HALF * 3),
    }[kind]
    if kind == "palette":  # every colour is black: only the stored index differs
        picture.putpalette([0] * 768)
    picture.save(path, format={".tif": "TIFF", ".bmp": "BMP", ".png": "PNG"}.get(path.suffix.lower(), "JPEG"))


def build(root, table):
    """Write the files of a table; return its samples as a set of (image, split, category, label, defect, mask).

    A line is `image [kind] | split category label [defect] | mask [kind]`, or only `file [kind]` for a stray file.
    `~` stands for a space in paths and categories.
    """
    samples = set()
    for line in filter(str.strip, table.splitlines()):
        fields = [[word.replace("~", " ") for word in field.split()] for field in line.split("|")]
        for (name, *kind), usual in zip(fields[::2], ("image", "mask"), strict=False):
            write(root / name, *(kind or [usual]))
        if len(fields) > 1:
            split, category, label, *defect = fields[1]
            mask = fields[2][0] if len(fields) > 2 else None
            samples.add((fields[0][0], split, category, int(label), "".join(defect), mask))
    return samples


def relative(path, root):
    return path and path.relative_to(root).as_posix()


def seen(root, name, base=None, **options):
    """The samples that load() finds in a folder, in the form of build(); paths are relative to base."""
    base, samples = base or root, set()
    for split in ("train", "test"):
        try:
            data = pfl.data.load(name, root, split=split, **options)
        except ValueError as error:
            assert f"no {split} images" in str(error)
            continue
        for s in data.samples:
            place = (relative(s.image, base), relative(s.mask, base))
            samples.add((place[0], split, s.category, s.label, s.defect, place[1]))
    return samples


def sample(path, mask=None, label=None):
    label = int(mask is not None) if label is None else label
    return Sample(image=path, category="a", class_name="a", label=label, mask=mask)


def write_array(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
