"""The fifteen data sets of the paper: what each holds, where it comes from, and how its copies may lie on disk.

Counts and traps come from the reference's lists and the sets' own pages; what no source confirms says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from . import layouts
from .files import Folder, Found
from .mvtec import tree
from .samples import class_text

BOTH, IMAGE, PIXEL = frozenset({"image", "pixel"}), frozenset({"image"}), frozenset({"pixel"})

Select = Callable[[list[Found]], list[Found]]


@dataclass(frozen=True)
class Category:
    """A category as the reference's standardised folder calls it, with the counts of the paper's part.

    paper None: the paper does not use this category. folder: its name in the original. pooled: counts of other parts
    ("whole" where the paper used less than the whole set), train and test together.
    """

    name: str
    paper: tuple[int, int, int] | None  # train normal, test normal, test anomalous
    folder: str = ""
    pooled: dict[str, tuple[int, int]] = field(default_factory=dict)  # part -> normal, anomalous

    @property
    def class_name(self) -> str:
        return class_text(self.name)

    def expected(self, part: str) -> dict[str, int]:
        """Counts that a part should have, empty where none is known."""
        if part in self.pooled:
            return dict(zip(("normal", "anomalous"), self.pooled[part], strict=True))
        if part in ("paper", "whole") and self.paper:
            return dict(zip(("train_normal", "test_normal", "test_anomalous"), self.paper, strict=True))
        return {}


@dataclass(frozen=True)
class Original:
    """A form in which the set is published: its reader, and how each part is chosen from what is read."""

    read: Callable[[Folder], list[Found]]
    parts: dict[str, Select | None]


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One data set. within: folders its archives unpack into; tree: the original layout, drawn."""

    name: str
    title: str
    standard: str
    level: frozenset[str]
    categories: tuple[Category, ...]
    originals: tuple[Original, ...]
    source: str
    licence: str
    tree: str
    within: tuple[str, ...] = ()
    mask_threshold: int = 128
    note: str = ""

    @property
    def paper_is_whole(self) -> bool:
        return not any("whole" in category.pooled for category in self.categories)

    def is_called(self, name: str) -> bool:
        """Whether it is meant by a name, whatever its case and hyphens."""
        return _plain(name) in {_plain(own) for own in (self.name, self.title, self.standard)}

    @cached_property
    def _by_folder(self) -> dict[str, Category]:
        return {name.lower(): c for c in self.categories for name in (c.name, c.folder) if name}

    def category(self, folder: str) -> Category | None:
        """The category of a folder name, original or standardised; a set with a single one takes any name."""
        return self.categories[0] if len(self.categories) == 1 else self._by_folder.get(folder.lower())


def as_many_normals(found: list[Found], *, leave_out: tuple[str, ...] = ()) -> list[Found]:
    """The reference's choice for KSDD2 and DAGM: all anomalies of train and test, as many normals, first in order."""
    chosen = []
    for category in dict.fromkeys(one.category for one in found if one.category not in leave_out):
        anomalies = [one for one in found if one.category == category and one.label]
        normals = [one for one in found if one.category == category and one.label == 0]
        chosen += [replace(one, split="test") for one in normals[: len(anomalies)] + anomalies]
    return chosen


def by_extension(found: list[Found]) -> list[Found]:
    """BrainMRI: the reference globs *.JPG among tumours and *.jpg among normals, and so drops the others."""
    return [one for one in found if one.image.suffix == (".JPG" if one.label else ".jpg")]


ALL: dict[str, Select | None] = {"paper": None, "whole": None}
UNKNOWN = "none found in the sources searched: ask the publisher before sharing anything"
POLYPS = dict(images=("images",), masks=("masks",))


def _table(rows: str, folders: str = "") -> tuple[Category, ...]:
    """Categories from lines "name train/normal/anomalous"."""
    names = iter(folders.split()) if folders else iter(())
    return tuple(
        Category(name, tuple(int(n) for n in counts.split("/")), next(names, ""))
        for name, counts in (item.split() for item in rows.split(",") if item.strip())
    )


MVTEC = Spec(
    name="mvtec",
    title="MVTec-AD",
    standard="mvtec",
    level=BOTH,
    categories=_table(
        "bottle 209/20/63, cable 224/58/92, capsule 219/23/109, carpet 280/28/89, grid 264/21/57, hazelnut 391/40/70,"
        "leather 245/32/92, metal_nut 220/22/93, pill 267/26/141, screw 320/41/119, tile 230/33/84,"
        "toothbrush 60/12/30, transistor 213/60/40, wood 247/19/60, zipper 240/32/119"
    ),
    originals=(Original(tree, ALL),),
    within=("mvtec_anomaly_detection",),
    source="MVTec Software GmbH, page of the MVTec Anomaly Detection Dataset",
    licence="CC BY-NC-SA 4.0",
    tree="""
        bottle/train/good/000.png
        bottle/test/{good,broken_large,...}/000.png
        bottle/ground_truth/broken_large/000_mask.png""",
    note="grid, screw and zipper are grey images; 700 to 1024 px.",
)

VISA = Spec(
    name="visa",
    title="VisA",
    standard="visa",
    level=BOTH,
    categories=_table(
        "candle 900/100/100, capsules 542/60/100, cashew 450/50/100, chewinggum 453/50/100, fryum 450/50/100,"
        "macaroni1 900/100/100, macaroni2 900/100/100, pcb1 904/100/100, pcb2 901/100/100, pcb3 905/101/100,"
        "pcb4 904/101/100, pipe_fryum 450/50/100"
    ),
    originals=(Original(tree, ALL), Original(layouts.visa, ALL)),
    within=("VisA", "VisA_20220922", "1cls", "VisA_pytorch/1cls"),
    source="Amazon, archive VisA_20220922.tar; split_csv in the repository amazon-science/spot-diff",
    licence="sources disagree: CC BY 4.0 (the authors' repository), CC BY-NC-SA 4.0 (anomalib)",
    tree="""
        candle/Data/Images/{Normal,Anomaly}/000.JPG
        candle/Data/Masks/Anomaly/000.png
        split_csv/1cls.csv
        or, as the authors' prepare_data writes it, candle/{train,test}/{good,bad} and candle/ground_truth/bad""",
    mask_threshold=0,
    note="Masks hold class ids from 1 on, so they look black; what is not 0 is defect. The archive as it comes needs"
    " split_csv/1cls.csv beside it, which says what is train and test: it is in the authors' repository.",
)

BTAD = Spec(
    name="btad",
    title="BTAD",
    standard="BTAD",
    level=BOTH,
    categories=_table("metal1 400/21/49, wood 399/30/200, metal2 1000/400/41", "01 02 03"),
    originals=(Original(tree, ALL),),
    within=("BTech_Dataset_transformed",),
    source="beanTech srl and University of Udine, BTAD (beanTech Anomaly Detection)",
    licence="sources disagree: CC BY-NC-SA 4.0 (anomalib), CC BY-SA 4.0 (dataset-ninja)",
    tree="""
        01/train/ok/0000.bmp
        01/test/{ok,ko}/0000.bmp     (02: png)
        01/ground_truth/ko/0000.png  (03: bmp)""",
    note="About 11 of the 290 masks may be tiny or empty (one source, unconfirmed).",
)

KSDD2 = Spec(
    name="ksdd2",
    title="KSDD2",
    standard="KSDD2",
    level=BOTH,
    categories=(Category("Metal", (0, 356, 356), pooled={"whole": (2979, 356)}),),
    originals=(Original(layouts.ksdd2, {"paper": as_many_normals, "whole": None}),),
    within=("KolektorSDD2",),
    source="ViCoS Lab, University of Ljubljana, with Kolektor: KolektorSDD2",
    licence="sources disagree: CC BY-NC-SA 4.0 (third parties), CC BY-SA 4.0 (dataset-ninja),"
    " none on the page (a survey)",
    tree="""
        train/10000.png  train/10000_GT.png  (2331 images, 246 defective)
        test/20000.png   test/20000_GT.png   (1004 images, 110 defective)""",
    note="paper: all 356 defective images and the first 356 normal ones of train. Inferred from the file numbers of the"
    " reference's list; whether its images were cropped besides is unknown.",
)

RSDD = Spec(
    name="rsdd",
    title="RSDD",
    standard="RSDD",
    level=BOTH,
    categories=(Category("Metal15", (0, 387, 387), pooled={"whole": (0, 195)}),),
    originals=(Original(layouts.rsdd, {"whole": None}),),
    within=("RSDDs dataset", "RSDDs"),
    source="Beijing Jiaotong University, RSDDs (rail surface defects; not neu-rail-rsdds of Northeastern University)",
    licence=UNKNOWN,
    tree="""
        Type-I RSDDs dataset/Rail surface images/rail_1.jpg   (67 images)
        Type-I RSDDs dataset/GroundTruth/rail_1.jpg
        Type-II RSDDs dataset/...                             (128 images)""",
    note="paper: 387 + 387 private random crops, all normal ones from Type-I rails. They cannot be rebuilt from the"
    " original: only the reference authors' archive DATA_three.zip (standardised) holds them. whole: the original's 195"
    " images, each with a defect, hence pixel level only.",
)

DAGM = Spec(
    name="dagm",
    title="DAGM 2007",
    standard="DAGM",
    level=BOTH,
    categories=tuple(
        Category(
            f"Fabric{k}",
            paper=None if k in (6, 9, 10) else (0, 150, 150) if k < 7 else (0, 300, 300),
            folder=f"Class{k}",
            pooled={"whole": (1000, 150) if k < 7 else (2000, 300)},
        )
        for k in range(1, 11)
    ),
    originals=(
        Original(
            layouts.dagm,
            {"paper": partial(as_many_normals, leave_out=("Class6", "Class9", "Class10")), "whole": None},
        ),
    ),
    within=("DAGM2007", "DAGM_2007", "DAGM_KaggleUpload"),
    source="DAGM/GNSS competition, Heidelberg Collaboratory for Image Processing",
    licence="CC BY 4.0 per a third-party list (unconfirmed)",
    tree="""
        Class1/{Train,Test}/0001.PNG
        Class1/{Train,Test}/Label/0001_label.PNG  (defective images only)""",
    note="paper: 7 of 10 classes, all defects and as many normals, first by file number (inferred). The original's"
    " masks are coarse ellipses; the reference drew its own by hand, so pixel scores on the original are not comparable"
    " with the paper's: only the reference authors' archive has those masks.",
)

DTD = Spec(
    name="dtd",
    title="DTD-Synthetic",
    standard="DTD",
    level=BOTH,
    categories=_table(
        "woven1 100/80/80, woven2 100/20/79, woven3 100/20/80, woven4 100/51/79, woven5 100/30/70,"
        "stratified 100/20/80, perforated 100/20/80, marbled2 100/20/80, fibrous 100/20/80, blotchy 100/20/80,"
        "mesh 100/36/80, matted1 100/20/79",
        "Woven_127 Woven_125 Woven_104 Woven_068 Woven_001 Stratified_154 Perforated_037 Marbled_078 Fibrous_183"
        " Blotchy_099 Mesh_114 Matted_069",
    ),
    originals=(Original(tree, ALL),),
    within=("DTD-Synthetic", "DTD-Synthetic/DTD-Synthetic"),
    source="Aota, Tong and Okatani (WACV 2023), Tohoku University; from the Describable Textures Dataset",
    licence=UNKNOWN,
    tree="""
        Woven_127/train/good/000.png
        Woven_127/test/{good,bad}/000.png
        Woven_127/ground_truth/bad/000_mask.png""",
)

HEADCT = Spec(
    name="headct",
    title="HeadCT",
    standard="HeadCT",
    level=IMAGE,
    categories=(Category("head ct", (0, 100, 100)),),
    originals=(Original(layouts.head_ct, ALL), Original(tree, ALL)),
    within=("HeadCT_anomaly_detection",),
    source="F. Kitamura, Head CT - hemorrhage, on Kaggle",
    licence=UNKNOWN,
    tree="""
        labels.csv                 (id, hemorrhage)
        head_ct/head_ct/000.png
        or AdaCLIP's headct/test/{good,defect}/000.png""",
)

BRAINMRI = Spec(
    name="brainmri",
    title="BrainMRI",
    standard="BrainMRI",
    level=IMAGE,
    categories=(Category("brain ct", (0, 85, 68), pooled={"whole": (98, 155)}),),
    originals=(
        Original(layouts.yes_no, {"paper": by_extension, "whole": None}),
        Original(tree, {"paper": by_extension, "whole": None}),
    ),
    within=("brain_tumor_dataset",),
    source="N. Chakrabarty (navoneel), Brain MRI Images for Brain Tumor Detection, on Kaggle",
    licence=UNKNOWN,
    tree="""
        yes/Y100.JPG
        no/10 no.jpg
        or AdaCLIP's brain_mri/test/{good,defect}""",
    note="paper: only yes/*.JPG and no/*.jpg, because the reference's search minds the case. whole: 253 images;"
    " 155 with tumour and 98 without is commonly quoted. The prompt says brain ct,"
    " as in the reference, although these are MRI.",
)

BR35H = Spec(
    name="br35h",
    title="Br35H",
    standard="Br35H",
    level=IMAGE,
    categories=(Category("brain", (0, 1500, 1500)),),
    originals=(Original(layouts.yes_no, ALL), Original(tree, ALL)),
    within=("Br35h_anomaly_detection",),
    source="A. Hamada, Br35H: Brain Tumor Detection 2020, on Kaggle",
    licence=UNKNOWN,
    tree="""
        yes/y0.jpg
        no/no0.jpg
        or AdaCLIP's br35h/test/{good,defect}""",
    note="The archive's other folders (Br35H-Mask-RCNN, pred) are not part of the test.",
)

ISIC = Spec(
    name="isic",
    title="ISIC 2016",
    standard="ISIC",
    level=PIXEL,
    categories=(Category("skin", (0, 0, 379)),),
    originals=(
        Original(
            partial(
                layouts.pairs,
                images=tuple(f"{where}ISBI2016_ISIC_Part1_Test_Data" for where in ("", "test/", "skin/test/")),
                masks=tuple(f"{where}ISBI2016_ISIC_Part1_Test_GroundTruth" for where in ("", "skin/")),
            ),
            ALL,
        ),
        Original(tree, ALL),
    ),
    source="ISIC Archive, ISBI 2016 challenge, part 1 (segmentation), test data and ground truth",
    licence="CC0 per a dataset index (unconfirmed)",
    tree="""
        ISBI2016_ISIC_Part1_Test_Data/ISIC_0000003.jpg
        ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0000003_Segmentation.png""",
)

COLONDB = Spec(
    name="colondb",
    title="CVC-ColonDB",
    standard="ColonDB",
    level=PIXEL,
    categories=(Category("colon", (0, 0, 380), pooled={"barcelona": (0, 300)}),),
    originals=(
        Original(partial(layouts.pairs, **POLYPS), ALL),
        Original(tree, ALL),
        Original(layouts.colon_barcelona, {"barcelona": None}),
    ),
    within=("CVC-ColonDB", "TestDataset/CVC-ColonDB"),
    source="Computer Vision Center, UAB (Barcelona); the 380-image version in the figshare item Polyp_DataSet",
    licence=UNKNOWN,
    tree="""
        images/1.png
        masks/1.png    (380 images)
        or, from the Barcelona page, 1.bmp with p1.bmp (300 images)""",
    note="paper: the 380-image version. barcelona: the page's own 300 frames, which no zero-shot paper uses.",
)

CLINICDB = Spec(
    name="clinicdb",
    title="CVC-ClinicDB",
    standard="ClinicDB",
    level=PIXEL,
    categories=(Category("colon", (0, 0, 612)),),
    originals=(
        Original(partial(layouts.pairs, images=("Original", "images"), masks=("Ground Truth", "masks")), ALL),
        Original(tree, ALL),
    ),
    within=("CVC-ClinicDB", "TestDataset/CVC-ClinicDB"),
    source="Computer Vision Center, UAB, with Hospital Clinic Barcelona; also in the figshare item Polyp_DataSet",
    licence="research and education only, no commercial use",
    tree="""
        Original/1.tif
        Ground Truth/1.tif     (612 images, 384 x 288 px)
        or figshare's images/1.png and masks/1.png""",
)

ENDO = Spec(
    name="endo",
    title="Endo",
    standard="Endo",
    level=PIXEL,
    categories=(Category("colon", (0, 0, 200)),),
    originals=(Original(partial(layouts.pairs, **POLYPS), ALL), Original(tree, ALL)),
    within=("EndoTect_2020_Segmentation_Test_Dataset",),
    source="Simula, EndoTect challenge 2020 (ICPR), segmentation test data",
    licence="not stated for the test set (the related HyperKvasir: CC BY 4.0)",
    tree="""
        images/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.jpg
        masks/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.png   (200 images)""",
)

KVASIR = Spec(
    name="kvasir",
    title="Kvasir",
    standard="Kvasir",
    level=PIXEL,
    categories=(Category("colon", (0, 0, 1000)),),
    originals=(Original(partial(layouts.pairs, **POLYPS), ALL), Original(tree, ALL)),
    within=("Kvasir-SEG",),
    source="Simula, Kvasir-SEG; also in the figshare item Polyp_DataSet",
    licence="free for research and teaching; commercial use needs permission",
    tree="""
        images/ID.jpg
        masks/ID.jpg    (1000 images, 332 x 487 to 1920 x 1072 px)""",
    note="The reference publishes no list for this set; 1000 is the published size of Kvasir-SEG.",
)

_FIFTEEN = (MVTEC, VISA, BTAD, KSDD2, RSDD, DAGM, DTD)
_FIFTEEN += (HEADCT, BRAINMRI, BR35H, ISIC, COLONDB, CLINICDB, ENDO, KVASIR)
SPECS = {one.name: one for one in _FIFTEEN}


def spec(name: str) -> Spec:
    """The data set of a name, whatever its case and hyphens: "mvtec", "MVTec-AD", "CVC-ColonDB"."""
    for one in SPECS.values():
        if one.is_called(name):
            return one
    raise ValueError(f"{name!r} is none of {', '.join(SPECS)}; besides these load() knows workshop, elpv and textile")


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
