"""Folders of tiny files, drawn from tables that say what each file is."""

import numpy as np
from PIL import Image

FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "jfif": "JPEG", "tif": "TIFF", "pgm": "PPM", "ppm": "PPM"}
FORMATS |= {"dib": "BMP", "jp2": "JPEG2000"}
TEXTS = ("txt", "json", "xml", "csv", "db", "md", "npy", "eps", "heic")
HEIGHT, WIDTH = 24, 32


def photograph(seed=0, shape=(HEIGHT, WIDTH, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def half():
    """A mask of the left half, 0 and 1."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[:, : WIDTH // 2] = 1
    return mask


def soft():
    """The left half in white, with an edge of several values."""
    mask = half() * 255
    mask[:, WIDTH // 2 - 2 : WIDTH // 2 + 2] = (240, 180, 90, 20)
    return mask


PIXELS = {
    "image": photograph,
    "mask": lambda: half() * 255,
    "ids": half,
    "soft": soft,
    "blank": lambda: half() * 0,
    "white": lambda: half() * 0 + 255,
}


def write(path, kind="image", **options):
    """Write a file; kind is a key of PIXELS, an array, or "text"; a name without the suffix of an image gets text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()[1:]
    pixels = PIXELS.get(kind, lambda: None)() if isinstance(kind, str) else kind
    if suffix in TEXTS or pixels is None:
        path.write_text("nothing to see")
        return path
    picture = Image.fromarray(pixels)
    picture.save(path, format=FORMATS.get(suffix, suffix.upper()), **options)
    return path


def build(root, table):
    """Write the files of a table; return the samples and the reasons of the files left out, by name.

    A line is `image | category label [defect] | mask [kind]`, label 0, 1 or ?; or `file [kind] ! reason`.
    """
    samples, left_out = {}, {}
    for line in filter(str.strip, table.splitlines()):
        if "!" in line:
            (name, *kind), reason = line.split("!")[0].split(), line.split("!")[1].strip()
            write(root / name, *(kind or ["image"]))
            left_out[name] = reason
            continue
        image, facts, mask, *_ = [field.split() for field in line.split("|")] + [[]]
        write(root / image[0], *image[1:])
        if mask:
            write(root / mask[0], *(mask[1:] or ["mask"]))
        category, label, *defect = facts
        known = {"0": 0, "1": 1, "?": None}[label]
        samples[image[0]] = (category, known, "".join(defect), mask[0] if mask and known else None)
    return samples, left_out


def seen(data):
    """The samples and the files left out of a data set, in the form of `build`."""
    root = data.account.root

    def name(path):
        return path and path.relative_to(root).as_posix()

    samples = {name(one.image): (one.category, one.label, one.defect, name(one.mask)) for one in data.samples}
    return samples, {name(one.path): one.why for one in data.account.left_out}


def files_of(account):
    """Each file of an account, as often as it is accounted for."""
    masks = [mask for mask, _ in account.masks]
    return sorted([*account.images, *masks, *(one.path for one in account.left_out)])
