"""Real surfaces and objects from Debian packages: which of their pictures are photographs, and small copies of them.

Games are full of photographs of walls, floors, metal and ground; among them are normal maps, masks, signs, skies and
drawings, which are left out by name and by appearance. None of the pictures ships with this package: a list in
`pfl/assets/photographs.csv` identifies each by its hash. `python -m pfl.workshop.photographs FOLDER` makes that list
again from a folder with the unpacked packages.
"""

import argparse
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from ..data.writing import write

LIST = Path(__file__).parents[1] / "assets" / "photographs.csv"
SIDE = {"surface": 640, "object": 320}  # of the small copies, at most, in pixels: the short side, the long side
HELD_OUT = ("torcs-data", "berusky2-data")  # never trained on: to choose between versions

# The paths of each package's photographs, of surfaces or of objects with an alpha channel.
SURFACES = {
    "0ad-data": r"terrain/types/",
    "berusky2-data": r"berusky2/textures/(les|silnice|zahrada|kanal|bazina)/",
    "cube2-data": r"packages/(gk/dds|gor)/",
    "extremetuxracer-data": r"etr/terrains/",
    "gnome-backgrounds": r"backgrounds/gnome/",
    "krita-data": r"krita/patterns/",
    "lomiri-wallpapers-16.04": r"share/backgrounds/",
    "mate-backgrounds": r"backgrounds/mate/nature/",
    "nexuiz-textures": r"pk3/textures/(?!egyptsoc_sfx|evil8_fx|portals|water|skies|eX/base-cross|items|tutorial|tymo|"
    r"race|desertfactory_(sign|doc)|terrain_dot)[^/]+/",
    "openarena-081-textures": r"textures/(base_(wall|floor|trim|door|support)|gothic|acc_dm|cosmo_(block|floor)|stone|"
    r"organics|mc-oa|pulchr|proto2|e[78]|evil|egypt|common|castle|skin)",
    "redeclipse-data": r"data/(philipk|trak|jojo|wicked|unnamed|luckystrike|jwin)/(?!wicked.*[sz]\d?[.])",
    "supertuxkart-data": r"data/(textures|tracks)/",
    "torcs-data": r"(asphalt|road|grass|rock|conc|wall|dirt|sand|gravel|cliff|plank|facade|geo|brick|stone|wood|mud)"
    r"[^/]*$",
    "ufoai-textures": r"textures/tex_(?!pics|ufo|alien|common|lights?|signs?|blood|sfx|effects)",
}
OBJECTS = {"tuxpaint-stamps-default": r"stamps/(?!symbols/(?!money)|seasonal|town/(flags|roadsigns)|space|people)"}

# Words at the end of a path for what is no photograph, or shows damage (blood, bullet holes) as if it were normal.
LEFT_OUT = re.compile(
    r"norm(al)?s?[._\d]|_(nm|nrm|local|bump|gloss|spec|gm|sm|rm|n|s|h|z|glow|luma|blend|reflect|mask|add|alpha|fx|height|"
    r"specular|disp|bw|ddn)\d*[.]|caust|sky|cloud|logo|sign|poster|flag|text_|screen|light|lava|fire|flame|liquid|portal|"
    r"effect|particle|smoke|shadow|minimap|preview|gui|hud|icon|cartoon|advert|banner|board\d*[.]|pitsign|"
    r"blood|damag|broke|crack|bullet|hole|grunge|destroy|burnt|dead|graffiti|water|space|star|tree|leaf|leaves|bush|plant|"
    r"flesh|brk|brain|crkd|_(ow|bld|bk|ft|lf|rt|up|dn)[.]|sshot|painting|landscape|map[._\d]|info|license|welcome|"
    r"konqi|goat|tirewall|tire-wall|stripes|art\d|automat|office_sep|biohaz|vendor|vending|env[.]|school|math|shinto|"
    r"nodraw|trigger|clip|window|glass|_mirror|_flip|skin|head|face[sd_.]|arrow|number|letter|monitor|comput|crowd|people",
    re.I,
)


def gather(packages: Path, out: Path) -> None:
    """Write a small copy of every listed picture to `out`/<kind>/<trained|held-out>/<hash>.webp.

    Raises FileNotFoundError if a package or a picture is missing, with the commands to get it.
    """
    listing = LIST.read_bytes()
    if (out / LIST.name).exists() and (out / LIST.name).read_bytes() == listing:  # written last
        return
    listed = {row["sha256"]: row for row in csv.DictReader(io.StringIO(listing.decode()))}
    names = sorted({row["package"] for row in listed.values()})
    missing = [name for name in names if not (packages / name).is_dir()]
    if missing:
        raise FileNotFoundError(
            f"{packages} does not contain {len(missing)} of the {len(names)} Debian packages with photographs; run\n"
            f"for p in {' '.join(missing)}; do apt-get download $p && dpkg -x ${{p}}_*.deb {packages}/$p; done"
        )
    for name in tqdm(names, "packages of photographs"):
        for _, content in pictures(packages / name):
            digest = hashlib.sha256(content).hexdigest()
            if row := listed.pop(digest, None):
                held_out = name in HELD_OUT or (row["kind"] == "object" and int(digest[:8], 16) % 10 == 0)
                buffer = io.BytesIO()
                small(Image.open(io.BytesIO(content)), row["kind"]).save(buffer, "webp", quality=90)
                write(
                    out / row["kind"] / ("held-out" if held_out else "trained") / f"{digest[:16]}.webp",
                    buffer.getvalue(),
                )
    if listed:
        found = sorted({row["package"] for row in listed.values()})
        raise FileNotFoundError(
            f"{packages} lacks {len(listed)} listed pictures of {', '.join(found)}; "
            "use the versions named in pfl/assets/README.md"
        )
    write(out / LIST.name, listing)


def pictures(package: Path) -> Iterator[tuple[str, bytes]]:
    """Paths and contents of a package's pictures, including those in the archives of games."""

    def is_picture(name: str) -> bool:
        return name.lower().endswith((".jpg", ".jpeg", ".png", ".tga", ".dds", ".rgb", ".webp"))

    for path in sorted(package.rglob("*")):
        name = str(path.relative_to(package))
        if path.suffix.lower() in (".pk3", ".zip"):
            with zipfile.ZipFile(path) as archive:
                yield from ((f"{name}/{n}", archive.read(n)) for n in sorted(archive.namelist()) if is_picture(n))
        elif path.is_file() and is_picture(name):
            yield name, path.read_bytes()


def choose(packages: Path) -> Iterator[tuple[str, str, str]]:
    """All photographs of surfaces and objects in the packages, no two alike: kind, package, SHA-256."""
    thumbs: list[np.ndarray] = []
    for kind, paths, fits in (("surface", SURFACES, is_surface), ("object", OBJECTS, is_object)):
        for package, wanted in paths.items():
            for path, content in tqdm(pictures(packages / package), package):
                if not re.search(wanted, path) or LEFT_OUT.search("/".join(path.split("/")[-2:])):
                    continue
                try:
                    image = Image.open(io.BytesIO(content))
                    if not fits(image):
                        continue
                except (UnidentifiedImageError, OSError, SyntaxError, ValueError, NotImplementedError):
                    continue  # an unusual or damaged file
                thumb = np.asarray(image.convert("L").resize((16, 16), Image.Resampling.BOX), np.float32)
                thumb = (thumb - thumb.mean()).ravel()
                thumb /= np.linalg.norm(thumb) + 1e-6
                if not thumbs or (np.stack(thumbs) @ thumb).max() <= 0.94:  # else the same in another size or colour
                    thumbs.append(thumb)
                    yield kind, package, hashlib.sha256(content).hexdigest()


def is_surface(image: Image.Image) -> bool:
    """Whether an image may be a photograph of a surface: opaque, large, not a normal map, not drawn, not plain."""
    if min(image.size) < 240 or max(image.size) > 4 * min(image.size):
        return False
    if "A" in image.getbands() or "transparency" in image.info:
        if np.asarray(image.convert("RGBA"))[..., 3].min() < 250:
            return False
    if (np.diff(np.asarray(image.convert("L"), np.int16)) == 0).mean() > 0.5:  # neighbours are equal in drawings
        return False
    colours = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX), np.float32)
    red, green, blue = colours.mean((0, 1))
    tones = colours.mean(-1)
    normal_map = blue > 150 and blue > max(red, green) + 35 and abs(red - green) < 25
    gaudy = (colours.max(-1) - colours.min(-1)).mean() > 130  # more than any material
    plain = np.unique(tones.astype(int) // 2, return_counts=True)[1].max() > 0.25 * tones.size
    return bool(6 < tones.std() < 75 and 22 < tones.mean() < 235 and not (normal_map or gaudy or plain))


def is_object(image: Image.Image) -> bool:
    """Whether an image may be a photograph of an object cut out along its outline: many colours, a clear alpha."""
    pixels = np.asarray(image.convert("RGBA"))
    inside = pixels[..., 3] > 128
    if min(image.size) < 80 or not 0.12 < inside.mean() < 0.98:
        return False
    colours = len(np.unique(pixels[..., :3][inside] // 16, axis=0))
    equal = (np.diff(np.asarray(image.convert("L"), np.int16)) == 0)[inside[:, 1:] & inside[:, :-1]].mean()
    return bool(colours > 60 and equal < 0.4 and max(image.size) < 4 * min(image.size))


def small(image: Image.Image, kind: str) -> Image.Image:
    """The small copy: RGB, or RGBA cropped to the object."""
    image = image.convert("RGB" if kind == "surface" else "RGBA")
    if kind == "object":
        image = image.crop(image.getchannel("A").point(lambda a: 255 * (a > 128)).getbbox())
    scale = SIDE[kind] / (min if kind == "surface" else max)(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return image


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pfl.workshop.photographs", description=__doc__.splitlines()[0])
    parser.add_argument("packages", type=Path, help="folder of the unpacked packages, each in a folder of its name")
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["kind", "package", "sha256"])
    table.writerows(choose(parser.parse_args().packages))
    write(LIST, text.getvalue().encode())


if __name__ == "__main__":
    main()
