"""Image files: which formats are read, what a file's header says, and pixels as they are stored.

A file's content chooses its decoder, from a list of formats that Pillow decodes itself: none of them starts a program.
"""

import os
import stat
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

SUFFIXES = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".mpo"),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".pbm", ".pgm", ".ppm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"),
    "AVIF": (".avif",),
}
FORMAT_OF = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
LOSSY = ("JPEG", "WEBP", "AVIF", "JPEG2000")  # black and white need not be stored as 0 and 255
UPRIGHT = 1  # EXIF orientation


@cache
def readable() -> tuple[str, ...]:
    """The formats of the list that this Pillow reads. DIB is a BMP without its file header; MPO belongs to JPEG."""
    Image.init()
    return tuple(name for name in (*SUFFIXES, "DIB") if name in Image.OPEN)


class Unusable(Exception):
    """Why a file is left out: a phrase that is counted, and details of this file."""

    def __init__(self, why: str, detail: str = ""):
        super().__init__(why, detail)
        self.why, self.detail = why, detail


@dataclass(frozen=True)
class Header:
    """What is known of an image file without decoding it. size is (width, height) as stored."""

    format: str
    size: tuple[int, int]
    deep: bool  # 16 bits per value as stored, of which a camera may use fewer
    orientation: int = UPRIGHT

    @property
    def shown_size(self) -> tuple[int, int]:
        """(width, height) after the EXIF rotation."""
        return self.size if self.orientation < 5 else (self.size[1], self.size[0])


def header(path: Path | str, *, exif: bool = False) -> Header:
    """Read the header of a regular file; `exif` includes its orientation. Raises Unusable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images, which are read, and of damaged metadata
            with Image.open(path, formats=readable()) as file:
                _check_pictures(file)
                deep = file.format in ("PNG", "TIFF") and ";16" in _tiles(file)
                turned = _orientation(file) if exif else UPRIGHT
                return Header(_name(file.format), file.size, deep, turned)
    except Unusable:
        raise
    except UnidentifiedImageError:
        empty = not Path(path).stat().st_size
        detail = "an empty file" if empty else "no picture in a format that is read, whatever its name says"
        raise Unusable("unreadable", detail) from None
    except Exception as error:  # decoders raise errors of many types
        raise Unusable("unreadable", reason(error)) from error


def _check_pictures(file: Image.Image) -> None:
    pictures = getattr(file, "n_frames", 1)
    if pictures > 1 and file.format != "MPO":  # of an MPO, the first is the photograph
        raise Unusable("files of several pictures", f"{pictures} pictures; save each as a file of its own")
    if file.mode == "F" or (file.mode == "I" and file.format == "TIFF" and ";16" not in _tiles(file)):
        raise Unusable("of unknown brightness", "32-bit values have no fixed range; save it with 8 or 16 bit")


def _tiles(file: Image.Image) -> str:
    """How the values are stored, such as "RGB;16B"."""
    return str([tile[3] for tile in getattr(file, "tile", ())])


def _orientation(file: Image.Image) -> int:
    """The EXIF orientation in the header; a PNG's is not searched for behind its pixels."""
    if file.format == "PNG" and not {"exif", "Raw profile type exif", "XML:com.adobe.xmp"} & set(file.info):
        return UPRIGHT
    turned = file.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    return turned if turned in range(1, 9) else UPRIGHT


def _name(found: str | None) -> str:
    return {"MPO": "JPEG", "DIB": "BMP"}.get(str(found), str(found))


def reason(error: BaseException) -> str:
    """An error's message on one line, without the file's name, or its type."""
    text = getattr(error, "strerror", None) or " ".join(str(error).split())
    return text or type(error).__name__


def open_image(path: Path | str) -> Image.Image:
    """Decode an image, EXIF rotation applied; its info["format"] is a key of SUFFIXES. Raises OSError with its name."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError("not a regular file")  # opening a pipe would wait for a writer
        with Image.open(path, formats=readable()) as file:
            name = _name(file.format)
            file.load()
            ImageOps.exif_transpose(file, in_place=True)  # without a second copy of the pixels
            file.info["format"] = name
            return file
    except UnidentifiedImageError as error:
        raise OSError(f"cannot read {path} (no picture in it); replace the file or remove it") from error
    except Exception as error:  # decoders raise errors of many types
        raise OSError(f"cannot read {path} ({reason(error)}); replace the file or remove it") from error


def deep_pixels(path: Path | str) -> np.ndarray:
    """The values (H, W) or (H, W, channels: R, G, B and maybe alpha) of a 16-bit file, EXIF rotation applied.

    Pillow reads a 16-bit colour file with 8 bits, so that one with 12 bits looks almost black; OpenCV reads all.
    """
    image = open_image(path)
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise OSError(f"cannot read {path} with 16 bit; save it with 8 bit")
    if values.ndim == 3:  # OpenCV's order is B, G, R, A
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return _turned(values, header(path, exif=True).orientation)


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """An array (H, W, ...) as it is shown."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    rows, columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return np.ascontiguousarray(values[:: -1 if rows else 1, :: -1 if columns else 1])


def largest_value(path: Path | str) -> int:
    """The largest value of a 16-bit file, without transparency."""
    values = deep_pixels(path)
    return int((values[..., :3] if values.ndim == 3 else values).max())
