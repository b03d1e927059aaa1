"""Which folder is which data set: by name, by counts, or an explanation; and no folder for two."""

import pytest
from fifteen import build_fifteen, polyps, touch, yes_no
from miniatures import build
from originals import ORIGINALS, add_tables

import pfl.data
from pfl.data import SPECS, find


def test_archives_are_found_under_the_names_they_unpack_to(tmp_path):
    folders = build_fifteen(tmp_path)
    assert find(tmp_path) == (folders, {})


def spellings(name):
    return [name.upper().replace("_", "-"), name.lower().replace("-", " "), name.replace("_", "").replace(" ", "_")]


def test_every_name_of_a_set_counts_in_any_spelling(tmp_path):
    folders = build_fifteen(tmp_path)
    del folders["isic"]
    for turn in range(max(len(SPECS[name].names) for name in folders)):
        for name, folder in folders.items():
            names = SPECS[name].names
            new = spellings(names[turn % len(names)])[turn % 3]
            folders[name] = folder.rename(tmp_path / new)
        found, missing = find(tmp_path)
        assert found == folders | {"isic": tmp_path} and not missing


def test_no_name_means_two_sets():
    for name, spec in SPECS.items():
        assert all(not other.is_called(own) for own in spec.names for other in SPECS.values() if other.name != name)


def test_folders_with_other_names_are_recognised_by_their_counts(tmp_path):
    brain = yes_no(tmp_path / "archive", 98, 155)
    for n in range(68):  # the paper's part is chosen by the case of the suffix
        (brain / f"yes/{n}.jpg").rename(brain / f"yes/{n}.JPG")
    for n in range(13):
        (brain / f"no/{n}.jpg").rename(brain / f"no/{n}.jpeg")
    folders = {
        "brainmri": brain,
        "br35h": yes_no(tmp_path / "archive (1)", 1500, 1500),
        "kvasir": polyps(tmp_path / "a", 1000),
        "clinicdb": polyps(tmp_path / "b", 612),
        "colondb": polyps(tmp_path / "c", 380),
        "endo": polyps(tmp_path / "d", 200),
    }
    build(tmp_path / "archive (2)", ORIGINALS["headct"][1])
    add_tables(tmp_path / "archive (2)")
    build(tmp_path / "new", "bottle/test/good/0.png | test bottle 0")  # one category, but MVTec-AD's
    polyps(tmp_path / "ETIS", 196)  # another set
    found, missing = find(tmp_path)
    assert found == folders | {"headct": tmp_path / "archive (2)", "mvtec": tmp_path / "new"}
    assert missing["visa"] == f"no folder VisA, VisA_20220922 or 1cls under {tmp_path}"
    for name, folder in folders.items():
        data = pfl.data.load(name, folder)
        assert data.notes == () and data.part == "paper"


def test_a_folder_that_neither_name_nor_counts_decide_is_no_set_and_the_reason_names_all_that_fit(tmp_path):
    yes_no(tmp_path / "archive", 5, 6)
    polyps(tmp_path / "polyps", 5)
    polyps(tmp_path / "Kvasir", 7)
    found, missing = find(tmp_path)
    assert found == {"kvasir": tmp_path / "Kvasir"}
    for name in ("brainmri", "br35h"):
        assert "archive can be read as BrainMRI or Br35H, and its counts do not decide" in missing[name]
    for name in ("colondb", "clinicdb", "endo"):
        assert "polyps can be read as CVC-ColonDB, CVC-ClinicDB, Endo or Kvasir" in missing[name]
    (tmp_path / "archive").rename(tmp_path / "Br35H :: Brain Tumor Detection 2020")
    assert find(tmp_path)[0]["br35h"].name.startswith("Br35H")


def test_of_several_copies_a_complete_one_is_taken_and_none_is_taken_twice(tmp_path):
    polyps(tmp_path / "TestDataset/Kvasir", 100)  # the split of polyp segmentation papers
    polyps(tmp_path / "TestDataset/CVC-ColonDB", 380)
    polyps(tmp_path / "TestDataset/CVC-300", 60)
    whole = polyps(tmp_path / "Kvasir-SEG", 1000)
    yes_no(tmp_path, 98, 155)  # an archive unpacks next to the sets, and repeats itself in a folder
    inner = yes_no(tmp_path / "brain_tumor_dataset", 98, 155)
    touch(tmp_path / "ISBI2016_ISIC_Part1_Test_Data", 379)
    touch(tmp_path / "ISBI2016_ISIC_Part1_Test_GroundTruth", 379)
    found, _ = find(tmp_path)
    expected = {"kvasir": whole, "colondb": tmp_path / "TestDataset/CVC-ColonDB", "brainmri": inner, "isic": tmp_path}
    assert found == expected


def test_a_complete_copy_with_another_name_is_preferred_to_an_incomplete_namesake(tmp_path):
    polyps(tmp_path / "Kvasir", 100)
    whole = polyps(tmp_path / "archive/archive", 1000)
    assert find(tmp_path)[0] == {"kvasir": whole}


def test_a_link_does_not_make_one_folder_two_sets(tmp_path):
    folder = yes_no(tmp_path / "Br35H", 3, 4)
    (tmp_path / "BrainMRI").symlink_to(folder)
    found, missing = find(tmp_path)
    assert len(found) == 1 and "is taken for" in (missing.get("br35h") or missing["brainmri"])


def test_archives_from_kaggle_are_found_as_they_unpack(tmp_path):
    build(tmp_path / "medical/archive", ORIGINALS["headct"][1])
    add_tables(tmp_path / "medical/archive")
    for kind in ("PNG", "TIF"):
        touch(tmp_path / f"CVC-ClinicDB/{kind}/Original", 612)
        touch(tmp_path / f"CVC-ClinicDB/{kind}/Ground Truth", 612)
    brain = yes_no(tmp_path / "archive (3)/archive", 1500, 1500)
    found, _ = find(tmp_path)
    assert found == {"headct": tmp_path / "medical/archive", "clinicdb": tmp_path / "CVC-ClinicDB", "br35h": brain}


def test_a_folder_called_like_a_set_that_is_not_one_gives_the_reason(tmp_path):
    touch(tmp_path / "VisA/candle", 3)
    build(tmp_path / "visa_pytorch/1cls", next(t for n, (_, t, _) in ORIGINALS.items() if n == "visa as prepared"))
    touch(tmp_path / "MVTec-AD/bottle", 3)
    found, missing = find(tmp_path)
    assert found == {"visa": tmp_path / "visa_pytorch/1cls"}
    assert "MVTec-AD is not a copy of MVTec-AD: expected bottle/train/good" in missing["mvtec"]


@pytest.mark.parametrize(
    "name, counts, other, other_counts",
    [("br35h", (1500, 1500), "brainmri", (98, 155)), ("brainmri", (98, 155), "br35h", (1500, 1500))],
)
def test_br35h_does_not_load_as_brainmri_nor_the_reverse(name, counts, other, other_counts, tmp_path):
    title, other_title = SPECS[name].title, SPECS[other].title
    folder = yes_no(tmp_path / "archive", *other_counts)
    with pytest.raises(ValueError, match=f"archive is {other_title} by its counts, not {title}: load it as {other}"):
        pfl.data.load(name, folder)
    folder = yes_no(tmp_path / other_title, 3, 4)
    with pytest.raises(ValueError, match=f"is {other_title} by its name, not {title}"):
        pfl.data.load(name, folder)
    folder = yes_no(tmp_path / title, *other_counts)  # a wrong name is believed, but not without a note
    data = pfl.data.load(name, folder)
    expected = "expected {} normal \\+ {} anomalous, found {} \\+ {}".format(*counts, *other_counts)
    with pytest.raises(ValueError, match=f"{title}, .* part: wrong count: {expected}; this looks like {other_title}"):
        pfl.data.require_complete(data)
    assert pfl.data.require_complete(data, accept_incomplete=True) is data
