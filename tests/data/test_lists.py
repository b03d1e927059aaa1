"""Standardised copies, and the lists of the reference, AnomalyCLIP and AdaCLIP."""
# ruff: noqa: E501 - published paths are long

import json
from pathlib import Path

import pytest
from miniatures import seen, write

import pfl.data
import pfl.data.files
from pfl.data import SPECS

# Example paths of the standardised folders, from datasets.md, and the prompt of each category.
STANDARD = """
mvtec    mvtec/bottle/test/good/mvtec_good_000286.bmp mvtec/bottle/test/anomaly/mvtec_contamination_000266.bmp bottle
visa     visa/candle/test/good/visa_0739_000987.bmp visa/candle/test/anomaly/visa_097_001097.bmp candle
btad     BTAD/metal2/test/good/BTAD_good_0000_002140.bmp BTAD/metal2/test/anomaly/BTAD_ko_0000_002099.bmp metal2
ksdd2    KSDD2/Metal/test/good/KSDD2-metal-null-000001_0000000356.bmp KSDD2/Metal/test/anomaly/KSDD2-metal-defect-000004_0000000000.bmp metal
rsdd     RSDD/Metal15/test/good/RSDD_I-metal-null-000157_0000000387.bmp RSDD/Metal15/test/anomaly/RSDD_I-metal-defect-000001_0000000000.bmp metal15
dagm     DAGM/Fabric5/test/good/DAGM2007-fabric-null-classes5_0001_0000001350.bmp DAGM/Fabric5/test/anomaly/DAGM2007-fabric-defect-classes5_0001_0000001200.bmp fabric5
dtd      DTD/matted1/test/good/DTD_good_000_002284.bmp DTD/matted1/test/anomaly/DTD_bad_000_002205.bmp matted1
headct   HeadCT/head~ct/test/good/HeadCT_good_100_000100.bmp HeadCT/head~ct/test/anomaly/HeadCT_defect_000_000000.bmp head~ct
brainmri BrainMRI/brain~ct/test/good/BrainMRI_good_10~no_000068.bmp BrainMRI/brain~ct/test/anomaly/BrainMRI_defect_Y100_000000.bmp brain~ct
br35h    Br35H/brain/test/good/Br35H_good_No12_001500.bmp Br35H/brain/test/anomaly/Br35H_defect_y0_000000.bmp brain
isic     - ISIC/skin/test/anomaly/ISIC_defect_ISIC_0000003_000000.bmp skin
colondb  - ColonDB/colon/test/anomaly/ColonDB_defect_100_000002.bmp colon
clinicdb - ClinicDB/colon/test/anomaly/ClinicDB_defect_100_000002.bmp colon
endo     - Endo/colon/test/anomaly/Endo_defect_003ab8b5-cf6d-442a-849d-80ddf0d1edaf_000000.bmp colon
kvasir   - Kvasir/colon/test/anomaly/Kvasir_defect_cju0_000000.bmp colon
""".strip().splitlines()


@pytest.mark.parametrize("line", STANDARD, ids=lambda line: line.split()[0])
def test_the_standardised_copy_is_found_with_and_without_its_list(line, tmp_path):
    name, good, bad, prompt = (word.replace("~", " ") for word in line.split())
    standard, category = bad.split("/")[:2]
    truth = bad.replace("/test/", "/ground_truth/").replace(".bmp", ".png")
    masked = "pixel" in SPECS[name].level

    def entry(image, mask, anomaly):
        return dict(
            img_path=image,
            mask_path=mask,  # does not exist if the set has no masks
            cls_name=category,
            specie_name="anomaly" if anomaly else "good",
            dataset_name=Path(image).stem.split("_")[0],
            anomaly=anomaly,
        )

    normals = [] if good == "-" else [entry(good, "", 0)]
    nothing = entry("", "", 0) | {"dataset_name": ""}  # the placeholder of an empty train folder
    meta = {"train": {category: [nothing]}, "test": {category: [*normals, entry(bad, truth, 1)]}}
    for image in [bad] + [good] * bool(normals):
        write(tmp_path / image)
    if masked:
        write(tmp_path / truth, "mask")
    (tmp_path / f"meta_{standard}.json").write_text(json.dumps(meta))

    defect = "contamination" if name == "mvtec" else ""  # known only from MVTec's file names
    expected = {(bad, "test", category, 1, defect, truth if masked else None)}
    expected |= {(good, "test", category, 0, "", None)} if normals else set()
    write(unlisted := (tmp_path / bad).with_name("unlisted.bmp"))
    for _ in ("with its list", "without"):
        for root in (tmp_path, tmp_path / standard):
            assert seen(root, name, base=tmp_path) == expected
            data = pfl.data.load(name, root)
            assert (data.layout, data.part, data.level) == ("standardised", "paper", SPECS[name].level)
            assert {sample.class_name for sample in data.samples} == {prompt}
        (tmp_path / f"meta_{standard}.json").unlink(missing_ok=True)
        unlisted.unlink(missing_ok=True)


def peers_entry(image, mask, species, anomaly, category):
    return dict(img_path=image, mask_path=mask, cls_name=category, specie_name=species, anomaly=anomaly)


def test_the_lists_of_anomalyclip_and_adaclip_are_read(tmp_path):
    # AnomalyCLIP's ClinicDB: paths of another machine, no train list; masks are matched by name, not by position.
    clinic = tmp_path / "clinic"
    for n in (1, 2):
        write(clinic / f"images/{n}.png")
        write(clinic / f"masks/{n}.png", "mask")
    away = "/remote/home/data/CVC-ClinicDB"
    rows = [peers_entry(f"{away}/images/{n}.png", f"{away}/masks/{n}.png", "", 1, "colon") for n in (1, 2)]
    (clinic / "meta.json").write_text(json.dumps({"train": {}, "test": {"colon": rows}}))
    expected = {(f"images/{n}.png", "test", "colon", 1, "", f"masks/{n}.png") for n in (1, 2)}
    assert seen(clinic, "clinicdb") == expected
    assert pfl.data.load("clinicdb", clinic).layout == "meta.json"

    # AnomalyCLIP's DAGM: capitalised keys, all ten classes; another selection than the paper's, so another part.
    fabric = tmp_path / "dagm"
    write(fabric / "Class6/Test/0001.PNG")
    write(fabric / "Class6/Test/0002.PNG")
    write(fabric / "Class6/Test/Label/0002_label.PNG", "mask")
    rows = [
        peers_entry("Class6/Test/0001.PNG", "", "", 0, "Class6"),
        peers_entry("Class6/Test/0002.PNG", "Class6/Test/Label/0002_label.PNG", "", 1, "Class6"),
    ]
    (fabric / "meta.json").write_text(json.dumps({"Train": {}, "Test": {"Class6": rows}}))
    assert {(s[2], s[3]) for s in seen(fabric, "dagm", subset="peers")} == {("Fabric6", 0), ("Fabric6", 1)}

    write(fabric / "Class1/Test/0001.PNG")
    write(fabric / "Class1/Test/Label/0001_label.PNG", "mask")
    data = pfl.data.load("dagm", fabric)  # the original, next to the list, contains the paper's part
    assert (data.layout, data.part, data.categories) == ("original", "paper", ("Fabric1",))

    # AdaCLIP's MVTec: specie_name is the defect's folder.
    write(tmp_path / "mvtec/bottle/test/good/000.png")
    write(tmp_path / "mvtec/bottle/test/crack/000.png")
    write(tmp_path / "mvtec/bottle/ground_truth/crack/000_mask.png", "mask")
    rows = [
        peers_entry("bottle/test/good/000.png", "", "good", 0, "bottle"),
        peers_entry("bottle/test/crack/000.png", "bottle/ground_truth/crack/000_mask.png", "crack", 1, "bottle"),
    ]
    (tmp_path / "mvtec/meta.json").write_text(json.dumps({"train": {}, "test": {"bottle": rows}}))
    with_list = seen(tmp_path / "mvtec", "mvtec")
    (tmp_path / "mvtec/meta.json").unlink()
    assert with_list == seen(tmp_path / "mvtec", "mvtec")
    assert {s[4] for s in with_list} == {"", "crack"}
