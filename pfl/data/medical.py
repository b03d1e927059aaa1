"""The paper's medical data sets; sources as in `industrial`."""

from functools import partial

from . import layouts
from .files import Found
from .mvtec import tree
from .spec import ALL, IMAGE, PIXEL, UNKNOWN, Category, Original, Spec

CVC_IMAGES = ("Original", "PNG/Original", "TIF/Original", "images")  # CVC-ClinicDB's own, and its copy on Kaggle
CVC_MASKS = ("Ground Truth", "PNG/Ground Truth", "TIF/Ground Truth", "masks")
POLYPS = Original(partial(layouts.pairs, images=("images",), masks=("masks",)), ALL)


def by_extension(found: list[Found]) -> list[Found]:
    """The paper's part of BrainMRI: the reference finds only *.JPG among tumours and *.jpg among normal images."""
    return [one for one in found if one.image.suffix == (".JPG" if one.label else ".jpg")]


HEADCT = Spec(
    name="headct",
    title="HeadCT",
    standard="HeadCT",
    level=IMAGE,
    categories=(Category("head ct", (0, 100, 100)),),
    originals=(Original(layouts.head_ct, ALL), Original(tree, ALL)),
    within=("HeadCT_anomaly_detection", "head-ct-hemorrhage"),
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
    within=("brain_tumor_dataset", "brain-mri-images-for-brain-tumor-detection"),
    source="N. Chakrabarty (navoneel), Brain MRI Images for Brain Tumor Detection, on Kaggle",
    licence=UNKNOWN,
    tree="""
        yes/Y100.JPG
        no/10 no.jpg
        or AdaCLIP's brain_mri/test/{good,defect}""",
    note="paper: only yes/*.JPG and no/*.jpg, because the reference's search is case-sensitive. whole: 253 images;"
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
    within=("Br35h_anomaly_detection", "Br35H-Brain-Tumor-Detection-2020"),
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
    originals=(POLYPS, Original(tree, ALL), Original(layouts.colon_barcelona, {"barcelona": None})),
    within=("TestDataset/CVC-ColonDB",),
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
    originals=(Original(partial(layouts.pairs, images=CVC_IMAGES, masks=CVC_MASKS), ALL), Original(tree, ALL)),
    within=("TestDataset/CVC-ClinicDB",),
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
    originals=(POLYPS, Original(tree, ALL)),
    within=("EndoTect_2020_Segmentation_Test_Dataset", "EndoTect"),
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
    originals=(POLYPS, Original(tree, ALL)),
    within=("Kvasir-SEG", "TestDataset/Kvasir"),
    source="Simula, Kvasir-SEG; also in the figshare item Polyp_DataSet",
    licence="free for research and teaching; commercial use needs permission",
    tree="""
        images/ID.jpg
        masks/ID.jpg    (1000 images, 332 x 487 to 1920 x 1072 px)""",
    note="The reference publishes no list for this set; 1000 is the published size of Kvasir-SEG.",
)

MEDICAL = (HEADCT, BRAINMRI, BR35H, ISIC, COLONDB, CLINICDB, ENDO, KVASIR)
