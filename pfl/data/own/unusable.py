"""What folders of masks contain besides masks: whatever cannot be used may be the mask of an image."""

import os
from collections import defaultdict
from dataclasses import replace

from ..account import BROKEN, LeftOut, some
from .matching import File, Index
from .places import Parts, alike, image_stems
from .roles import Sorted

IGNORED = ("of the system", "results of pfl predict")


def claim(found: Sorted) -> None:
    """Make a problem of each left-out entry of a mask folder that may be a mask, and keep the images it may belong to.

    These are broken entries, hidden files, links to other masks and empty folders. An image that has its mask, and one
    that is left out, too, needs no other.
    """
    masked = {mask.parts[:i] for mask in found.masks for i in range(1, len(mask.parts))}
    empty = {parts for parts in found.tree.folders if found.places.of(parts).mask and parts not in masked}
    read, outside, problems = set(found.others), set(), defaultdict(list)
    entries: list[tuple[Parts, int | None]] = [(parts, None) for parts in sorted(empty)]
    for i, one in enumerate(found.tree.left_out):
        parts = one.path.relative_to(found.tree.root).parts
        folder = parts[:-1] if one.why != "unreadable folders" else parts
        if not found.places.of(folder).mask:
            outside.add(alike(File(parts, found.places.of(folder)).stem))
        elif parts not in read and one.why not in IGNORED:
            entries.append((parts, i))
    index = Index(found.images if entries else ())
    for parts, position in entries:
        one = (
            found.tree.left_out[position] if position is not None else LeftOut(found.tree.path(parts), "empty folders")
        )
        name = parts[-1].removeprefix("._").removeprefix(".")
        file = File((*parts[:-1], name), found.places.of(parts[:-1]))
        images = index.find(file) or index.find_by_folder(file) or index.find_above(file)
        if position is not None and os.path.isdir(one.path):
            images = [image for image in found.images if image.place.key == found.places.of(parts).key]
        open_ones = [image for image in images if not (image.out or image.masks or image.place.label == 0)]
        broken = one.why in (*BROKEN, "unreadable folders")
        gone = all(image.out for image in images) and (images or outside.intersection(image_stems(file.stem)))
        if open_ones or (broken and not gone):
            problems[one.why].append(one.path)
            found.claimed |= {image.parts for image in open_ones}
        if position is not None and (broken or open_ones):
            why = "masks of images left out" if broken and gone else "masks that cannot be used"
            found.tree.left_out[position] = replace(one, why=why, detail=one.detail or one.why)
    for why, paths in problems.items():
        found.problems.append(
            f"{why} among the masks: {some(paths, found.tree.root)}; replace them by the files of the masks, or "
            "remove them if their images need none"
        )
