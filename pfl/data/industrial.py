"""The paper's industrial data sets.

Counts and pitfalls come from the reference's lists and the sets' own pages; unconfirmed facts are marked.
"""

from dataclasses import replace
from functools import partial

from . import layouts
from .files import Found
from .mvtec import tree
from .spec import ALL, BOTH, UNKNOWN, Category, Original, Spec, table


def as_many_normals(found: list[Found], *, leave_out: tuple[str, ...] = ()) -> list[Found]:
    """The reference's choice for KSDD2 and DAGM: all anomalous images, and the first as many normal ones, as test."""
    chosen = []
    for category in dict.fromkeys(one.category for one in found if one.category not in leave_out):
        anomalies = [one for one in found if one.category == category and one.label]
        normals = [one for one in found if one.category == category and one.label == 0]
        chosen += [replace(one, split="test") for one in normals[: len(anomalies)] + anomalies]
    return chosen


MVTEC = Spec(
    name="mvtec",
    title="MVTec-AD",
    standard="mvtec",
    level=BOTH,
    categories=table(
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
    categories=table(
        "candle 900/100/100, capsules 542/60/100, cashew 450/50/100, chewinggum 453/50/100, fryum 450/50/100,"
        "macaroni1 900/100/100, macaroni2 900/100/100, pcb1 904/100/100, pcb2 901/100/100, pcb3 905/101/100,"
        "pcb4 904/101/100, pipe_fryum 450/50/100"
    ),
    originals=(Original(tree, ALL), Original(layouts.visa, ALL)),
    within=("VisA_20220922", "VisA_pytorch/1cls"),
    source="Amazon, archive VisA_20220922.tar; split_csv in the repository amazon-science/spot-diff",
    licence="sources disagree: CC BY 4.0 (the authors' repository), CC BY-NC-SA 4.0 (anomalib)",
    tree="""
        candle/Data/Images/{Normal,Anomaly}/000.JPG
        candle/Data/Masks/Anomaly/000.png
        split_csv/1cls.csv
        or, as the authors' prepare_data writes it, candle/{train,test}/{good,bad} and candle/ground_truth/bad""",
    mask_threshold=0,
    note="Masks store class ids from 1 on, so they look black; every non-zero pixel is defective. The published archive"
    " also needs split_csv/1cls.csv, the split into train and test, from the authors' repository.",
)

BTAD = Spec(
    name="btad",
    title="BTAD",
    standard="BTAD",
    level=BOTH,
    categories=table("metal1 400/21/49, wood 399/30/200, metal2 1000/400/41", "01 02 03"),
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
    " reference's list; whether its images were also cropped is unknown.",
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
    " original: only the reference authors' archive DATA_three.zip (standardised) contains them. whole: the original's"
    " 195 images, each with a defect, hence pixel level only.",
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
            layouts.dagm, {"paper": partial(as_many_normals, leave_out=("Class6", "Class9", "Class10")), "whole": None}
        ),
    ),
    within=("DAGM_KaggleUpload",),
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
    categories=table(
        "woven1 100/80/80, woven2 100/20/79, woven3 100/20/80, woven4 100/51/79, woven5 100/30/70,"
        "stratified 100/20/80, perforated 100/20/80, marbled2 100/20/80, fibrous 100/20/80, blotchy 100/20/80,"
        "mesh 100/36/80, matted1 100/20/79",
        "Woven_127 Woven_125 Woven_104 Woven_068 Woven_001 Stratified_154 Perforated_037 Marbled_078 Fibrous_183"
        " Blotchy_099 Mesh_114 Matted_069",
    ),
    originals=(Original(tree, ALL),),
    source="Aota, Tong and Okatani (WACV 2023), Tohoku University; from the Describable Textures Dataset",
    licence=UNKNOWN,
    tree="""
        Woven_127/train/good/000.png
        Woven_127/test/{good,bad}/000.png
        Woven_127/ground_truth/bad/000_mask.png""",
)

INDUSTRIAL = (MVTEC, VISA, BTAD, KSDD2, RSDD, DAGM, DTD)
