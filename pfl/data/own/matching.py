"""Match masks to images by their names and folders, never by position, and never one to a guess."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .places import Parts, Place, alike, equally_likely, image_stems

DEEP = 8  # folders deeper than this are matched by their whole path only


@dataclass(eq=False)
class File:
    """An image file on its way to a role. out: why it is left out, "" if it is not; masks: those matched to it."""

    parts: Parts
    place: Place
    out: str = ""
    detail: str = ""
    masks: list["File"] = field(default_factory=list)
    image: "File | None" = None  # of a mask

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0] or self.name


class Index:
    """Images by stem and folder; `find` gives the image of a mask in constant time."""

    def __init__(self, images: Iterable[File]):
        self._levels: list[dict[tuple[str, Parts], list[File]]] = [defaultdict(list) for _ in range(3)]
        for image in images:
            stem, place = alike(image.stem), image.place
            self._levels[0][stem, place.key].append(image)
            self._levels[1][stem, place.loose].append(image)
            for part in _parts(place.loose):
                self._levels[2][stem, part].append(image)

    def find(self, mask: File) -> list[File]:
        """The images that a mask may belong to: one, none, or several if its name and folder do not decide.

        In this order: in the folder of the same name; in the same but for train and test; in one of which the masks'
        folder leaves out the first or the last parts.
        """
        places = enumerate((mask.place.key, mask.place.loose, mask.place.loose))
        return self._first(((level, where, stem) for level, where in places for stem in image_stems(mask.stem)), mask)

    def find_by_folder(self, mask: File) -> list[File]:
        """The same for a mask in a folder called like the image, as in MVTec LOCO."""
        places = (mask.place.key, mask.place.loose, mask.place.loose)
        tries = ((level, where[:-1], where[-1]) for level, where in enumerate(places) if where)
        return self._first(tries, mask, by_folder=True)

    def find_above(self, mask: File) -> list[File]:
        """The same for images in a folder that leaves out the first or the last parts of the masks' folder."""
        tries = ((1, part, stem) for part in _parts(mask.place.loose) for stem in image_stems(mask.stem))
        return self._first(tries, mask)

    def find_anywhere(self, mask: File) -> list[File]:
        """The same for images in any folder."""
        return self._first(((2, (), stem) for stem in image_stems(mask.stem)), mask)

    def _first(self, tries: Iterable[tuple[int, Parts, str]], mask: File, by_folder: bool = False) -> list[File]:
        for level, where, stem in tries:
            if (stem, where) not in self._levels[level]:
                continue
            likely = equally_likely(mask.stem)
            stems = likely if stem in likely and not by_folder else [stem]
            groups = [found for one in stems if (found := self._levels[level].get((one, where)))]
            return [image for found in groups for image in _preferred(found, mask, exact=level == 0)]
        return []


def _parts(folders: Parts) -> list[Parts]:
    """The first and the last parts of a path, longest first, and no part."""
    if len(folders) > DEEP:
        return [()]
    parts = {folders[:i] for i in range(len(folders))} | {folders[i:] for i in range(1, len(folders) + 1)}
    return sorted(parts, key=lambda part: (-len(part), part))


def _preferred(found: Sequence[File], mask: File, exact: bool) -> list[File]:
    """Those of several images that are used, are not normal, stand in a folder of images, are spelt alike."""
    for wanted in (
        lambda image: not image.out,
        lambda image: exact or image.place.label != 0,
        lambda image: image.place.image,
        lambda image: image.stem in mask.stem,
    ):
        if len(found) > 1:
            found = [image for image in found if wanted(image)] or found
    return list(found)


def is_union(image: File) -> bool:
    """Whether an image's masks are the files of one folder called like it: together they are its mask."""
    folders = {mask.parts[:-1] for mask in image.masks}
    return len(folders) == 1 and [alike(part) for part in next(iter(folders))[-1:]] == [alike(image.stem)]
