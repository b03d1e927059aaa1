"""Labels of own images, from folders and masks; where these contradict each other, nothing is assumed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from .. import formats
from ..account import some
from ..formats import LOSSY, UPRIGHT, Unusable
from ..masking import Mask
from .matching import File
from .places import ANOMALOUS_NAMES, Parts, alike, image_stems, plain
from .roles import SAY, Sorted

Look = Callable[[File], Mask]
SAMPLED = 100  # folders of which files are decoded, at most, to see whether they are masks


def decide(found: Sorted, need_labels: bool = True) -> dict[Parts, int | None]:
    """The label of each image that is used: 0, 1 or None. Problems and notes are added to `found`."""
    look = found.look(found.masks)
    check_pairs(found, look)
    used = [image for image in found.images if not image.out]
    by_name, absent = _labels_by_name(found, used), _normal_without_mask(found)
    labels: dict[Parts, int | None] = {}
    wrong = defaultdict(list)
    for image in used:
        label, masks = by_name[image.parts], [mask for mask in image.masks if not look(mask).problem]
        filled = any(look(mask).any for mask in masks)
        if image.place.contradiction:
            one, other = image.place.contradiction
            wrong[f"{one} and {other} contradict each other"].append(image)
        elif label == 0 and filled:
            wrong["normal by their folder, but their masks mark defects"].append(image)
        elif label == 1 and masks and not filled:
            wrong["anomalous by their folder, but their masks are empty"].append(image)
        elif label is None and masks:
            label = int(filled)
        elif label is None and absent(image):
            label = 0
        labels[image.parts] = label
    found.problems += [f"{what}: {found.some(images)}; correct either, or {SAY}" for what, images in wrong.items()]
    if "masks" not in found.choices and "images" not in found.choices:
        (found.problems if need_labels else found.notes).extend(_unnamed_masks(found, used))
    inverted = _inverted(found, look)
    _note_rules(found, look, labels, by_name, inverted)
    return labels


def _inverted(found: Sorted, look: Look) -> list[File]:
    """The masks that mark most of the image and all its border, but not all of it; a problem if most masks do."""
    filled = [mask for mask in found.masks if look(mask).any]
    inverted = [mask for mask in filled if look(mask).inverted and not look(mask).all]
    if 2 * sum(look(mask).inverted for mask in filled) <= len(filled) or not inverted:
        return inverted
    found.problems.append(
        f"most masks mark most of the image and all its border: {found.some(inverted)}; white marks "
        "defects, so invert the masks; or use none with masks='' (--masks '')"
    )
    return []


def check_pairs(found: Sorted, look: Look) -> None:
    """Each mask must have the size of its image as it is shown, and be turned with it."""
    for image in found.images:
        if not image.masks or image.out:
            continue
        try:
            header = formats.header(found.path(image), exif=True)
        except Unusable as error:
            image.out, image.detail = error.why, error.detail
            continue
        for file in image.masks:
            mask, place = look(file), f"the mask {found.some([file])} of {found.some([image])}"
            sizes = ["{} x {}".format(*size) for size in (mask.size, header.shown_size)]
            turned = f"EXIF orientation {header.orientation} turns the image when it is shown, and the mask has"
            if mask.problem:
                continue
            if mask.size != header.shown_size and header.orientation != UPRIGHT and mask.size == header.size:
                found.problems.append(f"{place} is not turned: {turned} {mask.orientation}; save both upright")
            elif mask.size != header.shown_size:
                found.problems.append(
                    f"{place} is {sizes[0]} pixels, the image {sizes[1]}; save it at the image's size"
                )
            elif mask.orientation != header.orientation and (
                header.shown_size == header.size or mask.orientation != UPRIGHT
            ):
                found.problems.append(
                    f"{place} may be turned against it: {turned} {mask.orientation}; save both upright"
                )


def _labels_by_name(found: Sorted, used: Iterable[File]) -> dict[Parts, int | None]:
    """The labels that the names of folders give, and those of files that normal= names."""
    choice = found.choices.get("normal")
    normal = {image.parts for image in used if choice and choice.file(image.parts)}
    folders = {parts[:-1] for parts in normal}
    labels = {}
    for image in used:
        label = image.place.label
        if label is None and image.parts[:-1] in folders:
            label = int(image.parts not in normal)
        labels[image.parts] = label
    return labels


def _normal_without_mask(found: Sorted) -> Callable[[File], bool]:
    """Whether an image without a mask is normal: it stands in a folder of images that a folder of masks belongs to.

    It is not if that folder has another file for it, such as a polygon.
    """
    covered = {mask.place.key for mask in found.masks if mask.place.mask}
    others = {
        stem
        for parts in found.others
        if found.place(parts).mask
        for stem in image_stems(parts[-1].rpartition(".")[0] or parts[-1])
    }

    def normal(image: File) -> bool:
        beside = () in covered or image.place.key in covered
        return image.place.image and beside and alike(image.stem) not in others and image.parts not in found.claimed

    return normal


def _unnamed_masks(found: Sorted, used: list[File]) -> list[str]:
    """The problem that images look like masks, though no name says so; none if all images do.

    Three files of each folder are decoded, and its smallest, since masks compress well. JPEGs of high contrast look
    like masks, too: they are only doubted if all of these do, and a folder beside theirs has files of the same names.
    """
    folders = defaultdict(list)
    for image in used:
        if not image.masks:
            folders[image.parts[:-1]].append(image)
    names = Counter((folder[:-1], name) for folder, files in folders.items() for name in {alike(f.stem) for f in files})
    samples = [_some_files(found, files) for files in list(folders.values())[:SAMPLED]]
    if sum(map(len, samples)) < 2:  # nothing to compare with
        return []
    doubtful = []
    for files in samples:
        exact = [file for file in files if found.headers[file.parts].format not in LOSSY]
        twins = all(names[file.parts[:-2], alike(file.stem)] > 1 for file in files)
        doubtful.append(files if twins else exact)
    look = found.look(file for files in doubtful for file in files)
    like = []
    for files in doubtful:
        masks = [file for file in files if _is_mask(look(file))]
        like += [m for m in masks if len(masks) == len(files) or found.headers[m.parts].format not in LOSSY]
    if not like or len(like) == sum(map(len, samples)):
        return []
    remedy = f"{SAY}; if all are images, masks='' (--masks '')"
    return [f"like masks, though no name says so: {found.some(like)}; {remedy}"]


def _some_files(found: Sorted, files: list[File]) -> list[File]:
    """The first, the middle, the last and the smallest of the files of a folder."""
    smallest = min(range(len(files)), key=lambda i: found.path(files[i]).stat().st_size)
    return [files[i] for i in sorted({0, len(files) // 2, len(files) - 1, smallest})]


def _is_mask(mask: Mask) -> bool:
    return mask.any and not (mask.all or mask.soft or mask.problem)


def _note_rules(
    found: Sorted, look: Look, labels: dict[Parts, int | None], by_name: dict[Parts, int | None], inverted: list[File]
) -> None:
    """Note the rules that were applied, with examples."""
    used = {image.parts: image for image in found.images if image.parts in labels}
    anomalous = [image for parts, image in used.items() if labels[parts] == 1]
    unknown = [image for parts, image in used.items() if labels[parts] is None]
    some_masked = any(image.masks for image in anomalous)
    beside = defaultdict(list)  # by the folder that only its neighbour makes one of defects
    for image in anomalous:
        if image.place.label == 1 and not any(plain(part) in ANOMALOUS_NAMES for part in image.parts[:-1]):
            beside[image.place.defect].append(image)
    rules = {
        "without a mask, beside a folder of masks: taken as normal": [
            image for parts, image in used.items() if by_name[parts] is None and not image.masks and labels[parts] == 0
        ],
        "masks with soft edges: cut at half": [mask for mask in found.masks if look(mask).soft],
        "masks that mark the whole image (if white means normal, invert them)": [
            mask for mask in found.masks if look(mask).all
        ],
        "masks that mark most of the image and all its border (if black means defective, invert them)": inverted,
        "anomalous without a mask, so no pixel metrics": [
            image for image in anomalous if some_masked and not image.masks
        ],
        "of unknown label, beside images whose label is known": unknown if len(unknown) < len(used) else [],
    }
    for rule, files in rules.items():
        if files:
            found.notes.append(f"{len(files)} {rule}: {found.some(files)}")
    if assumed := sorted(defect for defect, images in beside.items() if not any(image.masks for image in images)):
        found.notes.append(f"anomalous, because beside a folder of normal images: {some(assumed, limit=10)}")
