"""All fifteen sets in miniature under one folder, called as their archives unpack, and copies with real counts."""

from miniatures import build, write
from originals import ORIGINALS, add_tables

from pfl.selection import TARGET_CATEGORIES

# The folder of each set; where the table of `originals` has a folder already, the same; ISIC's two folders have none.
FOLDERS = {
    "mvtec": "mvtec_anomaly_detection",
    "visa": "VisA_20220922",
    "btad": "BTech_Dataset_transformed",
    "ksdd2": "KolektorSDD2",
    "rsdd": "RSDDs dataset",
    "dagm": "DAGM_KaggleUpload",
    "dtd": "DTD-Synthetic",
    "headct": "head-ct-hemorrhage",
    "brainmri": "brain_tumor_dataset",
    "br35h": "Br35H",
    "isic": "",
    "colondb": "CVC-ColonDB",
    "clinicdb": "CVC-ClinicDB",
    "endo": "EndoTect_2020_Segmentation_Test_Dataset",
    "kvasir": "Kvasir-SEG",
}
KSDD2 = """
    train/0.png
    train/0_GT.png mask
    train/1.png
    train/1_GT.png empty
    test/2.png
    test/2_GT.png empty
"""
DAGM = """
    Class1/Train/0000.PNG grey
    Class1/Train/Label/0000_label.PNG mask
    Class1/Train/0001.PNG grey
"""
BRAINMRI = """
    no/10~no.jpg
    yes/Y100.JPG
"""


def build_fifteen(root):
    """Build the sets in FOLDERS, and the categories of MVTec-AD and VisA that the reference selects on."""
    tables = {"ksdd2": KSDD2, "dagm": DAGM, "brainmri": BRAINMRI}
    for name, table, _ in ORIGINALS.values():
        tables.setdefault(name, table)  # some have a second layout
    for name, folder in FOLDERS.items():
        build(root if f"{folder}/" in tables[name] else root / folder, tables[name])
    for category in TARGET_CATEGORIES["mvtec"]:
        for kind in ("good", "cut"):
            write(root / FOLDERS["mvtec"] / category / "test" / kind / "0.png")
        write(root / FOLDERS["mvtec"] / category / "ground_truth/cut/0_mask.png", "mask")
    for category in TARGET_CATEGORIES["visa"]:
        for kind in ("Normal", "Anomaly"):
            write(root / FOLDERS["visa"] / category / "Data/Images" / kind / "1.JPG")
        write(root / FOLDERS["visa"] / category / "Data/Masks/Anomaly/1.png", "ids")
    for folder in FOLDERS.values():
        add_tables(root / folder)
    return {name: root / folder for name, folder in FOLDERS.items()}


def touch(folder, number, suffix=".jpg"):
    """Empty files, enough where only names are read."""
    folder.mkdir(parents=True)
    for n in range(number):
        (folder / f"{n}{suffix}").touch()
    return folder.parent


def yes_no(folder, normal, anomalous):
    touch(folder / "no", normal)
    return touch(folder / "yes", anomalous)


def polyps(folder, number):
    touch(folder / "images", number)
    return touch(folder / "masks", number)
