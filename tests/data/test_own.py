"""Folders of your own images: options, errors, the account, and what is no regular file."""

import os
import socket
import time

import pytest
from test_own_layouts import LAYOUTS
from trees import HEIGHT, WIDTH, build, half, photograph, write

import pfl.data
from pfl import cli

# --- what is meant can be said ---


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"masks": "answers"}, {"pics/a.png": 1, "pics/b.png": None}),
        ({"masks": "answers", "images": "pics"}, {"pics/a.png": 1, "pics/b.png": 0}),
        ({"masks": "answers/*.png"}, {"pics/a.png": 1, "pics/b.png": None}),
        ({"images": ["pics"]}, {"pics/a.png": None, "pics/b.png": None}),
        ({"images": "pics/b.png"}, {"pics/b.png": None}),
    ],
)
def test_options_name_folders_or_patterns_of_images_and_masks(options, expected, tmp_path):
    for name in "ab":
        write(tmp_path / f"pics/{name}.png")
    write(tmp_path / "answers/a.png", "mask")
    data = pfl.data.folder(tmp_path, **options)
    assert {one.image.relative_to(tmp_path).as_posix(): one.label for one in data.samples} == expected
    absolute = {key: tmp_path / value for key, value in options.items() if isinstance(value, str)}
    assert len(pfl.data.folder(tmp_path, **options | absolute)) == len(expected)


def test_options_name_the_normal_images(tmp_path):
    for name in ("MT_Free/a.png", "MT_Crack/a.png", "mixed/ok_1.png", "mixed/2.png"):
        write(tmp_path / name)
    labels = {one.image.name: one.label for one in pfl.data.folder(tmp_path / "mixed", normal="ok_*").samples}
    assert labels == {"ok_1.png": 0, "2.png": 1}
    data = pfl.data.folder(tmp_path, normal="mt_free")
    assert [(one.defect, one.label) for one in data.samples if "MT" in str(one.image)] == [("MT_Crack", 1), ("", 0)]


def test_options_say_that_twins_are_images_or_which_are_masks(tmp_path):
    for name, kind in (("a.jpg", "image"), ("a.png", "mask"), ("b.jpg", "image"), ("b.png", "image")):
        write(tmp_path / name, kind)
    with pytest.raises(ValueError, match=r"images, or masks of each other\? a.jpg, a.png, b.jpg .*--masks"):
        pfl.data.folder(tmp_path)
    assert len(pfl.data.folder(tmp_path, masks="")) == 4
    (tmp_path / "b.png").unlink()
    assert [one.label for one in pfl.data.folder(tmp_path, masks="*.png", images="*.jpg").samples] == [1, None]


def test_a_name_with_the_signs_of_patterns_is_a_name(tmp_path):
    for name in ("x [1]/a.png", "x [2]/a.png"):
        write(tmp_path / name)
    assert [one.label for one in pfl.data.folder(tmp_path, normal="x [1]").samples] == [0, 1]


def test_without_masks_what_is_called_and_looks_like_a_mask_is_no_image(tmp_path):
    for name in ("good/a.png", "bad/b.png", "ground_truth/bad/b.png", "bad/b_mask.png", "labels/photo.png"):
        write(tmp_path / name, "mask" if "truth" in name or "_mask" in name else "image")
    data = pfl.data.folder(tmp_path, masks="")
    assert {one.image.name: one.label for one in data.samples} == {"a.png": 0, "b.png": 1, "photo.png": None}
    assert [one.why for one in data.account.left_out] == ["masks that are not used"] * 2


@pytest.mark.parametrize(
    "options, message",
    [
        ({"masks": "answer"}, "masks=answer names no file of .*; its folders are answers, pics"),
        ({"masks": "../elsewhere"}, "masks=../elsewhere is not in .*; link it there"),
        ({"images": "/etc"}, "images=/etc is not in"),
        ({"images": "."}, "images=. is the whole folder"),
        ({"normal": 3}, "normal is 3; pass the name of a folder"),
        ({"bit_depth": 11}, "bit_depth is 11; choose one of 8, 10, 12, 14, 16"),
        ({"bit_depth": 12}, "bit_depth=12 is for images of 16 bits; .* has none"),
        ({"class_name": " "}, "class_name is ' '; pass a word"),
    ],
)
def test_an_option_that_names_nothing_is_an_error(options, message, tmp_path):
    write(tmp_path / "pics/a.png")
    write(tmp_path / "answers/a.png", "mask")
    with pytest.raises(ValueError, match=message) as caught:
        pfl.data.folder(tmp_path, **options)
    assert "\n" not in str(caught.value)


# --- errors, the account, speed ---


def test_a_folder_gives_the_class_name_and_errors_say_what_is_wrong(tmp_path):
    write(tmp_path / "steel_plate/a.png")
    assert pfl.data.folder(tmp_path / "steel_plate")[0].class_name == "steel plate"
    write(tmp_path / "empty/note.txt")
    for name, message in (
        ("empty", "no images in .*left out: 1 not images"),
        ("absent", "no folder .*does not exist"),
        ("steel_plate/a.png", "no folder .*it is a file; pass the folder"),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            pfl.data.folder(tmp_path / name)


def test_the_account_counts_on_one_line_and_lists_in_many(tmp_path):
    build(tmp_path / "plate", LAYOUTS["images at several depths"])
    for i in range(12):
        write(tmp_path / f"plate/{i}.txt")
    account = pfl.data.folder(tmp_path / "plate").account
    assert str(account).startswith(
        "8 images, 0 masks; left out: 13 not images, 2 of kinds that are not read, 1 unreadable: see `pfl data check"
    )
    text = account.text()
    assert "left out, 13 not images:\n  0.txt" in text and "... and 3 more (--all lists them)" in text
    assert "  x/broken.png (no picture in a format that is read, whatever its name says)" in text
    assert "  x: 7 of unknown label" in text and "note" not in text and account.text(None).count(".txt") == 13


def test_rules_that_were_applied_are_noted(tmp_path):
    for name, kind in (("a", "soft"), ("b", "white")):
        write(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", kind)
    write(tmp_path / "images/c.png")
    write(tmp_path / "images/d.png", photograph()).rename(tmp_path / "images/d.jpg")
    assert [note.partition(":")[0] for note in pfl.data.folder(tmp_path).account.notes] == [
        "read by content, not by suffix",
        "2 without a mask, beside a folder of masks",
        "1 masks with soft edges",
        "1 masks that mark the whole image (if white means normal, invert them)",
    ]


def test_a_subset_and_a_category_keep_the_account(tmp_path):
    build(tmp_path, LAYOUTS["a folder per category"])
    data = pfl.data.folder(tmp_path)
    assert data.subset(categories=["left"]).account is data.account and hash(data.account)


def test_ten_thousand_images_are_indexed_within_a_second(tmp_path):
    for kind in ("train/good", "test/good", "test/hole"):
        for category in range(4):
            (tmp_path / f"c{category}" / kind).mkdir(parents=True)
            for n in range(850):
                (tmp_path / f"c{category}" / kind / f"{n:03d}.png").touch()
    seconds = []
    for _ in range(2):
        start = time.process_time()  # of this process: other processes must not fail the test
        assert len(pfl.data.mvtec.read(tmp_path, name="many", split="all")) == 10_200
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1


def test_pictures_have_the_size_that_tests_assume():
    assert half().shape == (HEIGHT, WIDTH) == photograph().shape[:2]


# --- what is no regular file, and names of all kinds ---


def reasons(path):
    account = pfl.data.folder(path).account
    return {os.fsencode(one.path.name): one.why for one in account.left_out}, account


def test_what_is_no_regular_file_is_left_out_and_none_is_opened(tmp_path):
    root = tmp_path / "plate"
    write(root / "a.png")
    write(root / ".hidden/b.png")
    write(root / "__MACOSX/c.png")
    os.mkfifo(root / "pipe.png")  # opening it would wait for ever
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket.png"))
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "self.png").symlink_to(root / "self.png")
    (root / "nothing.png").symlink_to(root / "absent.png")
    (root / "again.png").symlink_to(root / "a.png")
    found, account = reasons(root)
    assert [path.name for path in account.images] == ["a.png"]
    assert found == {
        b"b.png": "hidden",
        b"c.png": "of the system",
        b"pipe.png": "pipes, sockets or devices",
        b"socket.png": "pipes, sockets or devices",
        b"loop": "links to a folder above",
        b"self.png": "broken links",
        b"nothing.png": "broken links",
        b"again.png": "links to what is counted elsewhere",
    }


def test_links_to_other_places_are_followed_once(tmp_path):
    write(tmp_path / "elsewhere/a.png")
    for name in ("one", "two"):
        (tmp_path / "plate" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "plate" / name).symlink_to(tmp_path / "elsewhere")
    data = pfl.data.folder(tmp_path / "plate")
    assert len(data) == 1 and [one.why for one in data.account.left_out] == ["links to what is counted elsewhere"]


def test_names_of_all_kinds_are_accounted_for_and_shown_on_one_line(tmp_path):
    write(tmp_path / "two\nlines.png")
    write(tmp_path / f"{'x' * 245}.png")
    write(tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/latin-\xe9.png"))
    (tmp_path / "note\x1b[31m.txt").write_text("")
    found, account = reasons(tmp_path)
    assert len(account.images) == 2
    assert found == {b"latin-\xe9.png": "names that are not UTF-8", b"note\x1b[31m.txt": "not images"}
    text = account.text()
    assert "latin-\\xe9.png" in text and "note\\x1b[31m.txt" in text and "\x1b" not in text
    text.encode()  # can be printed


def test_heat_maps_of_earlier_runs_are_no_images(tmp_path):
    write(tmp_path / "a.png")
    write(tmp_path / "out/heatmaps/a.png.png")
    write(tmp_path / "heatmaps/b.png")  # not beside a log: an ordinary folder
    (tmp_path / "out/progress-1.jsonl").write_text("{}")
    found, account = reasons(tmp_path)
    assert len(account.images) == 2 and found[b"a.png.png"] == "results of pfl predict"


# --- the command line ---


def test_data_check_prints_the_account_and_its_status_says_whether_the_folder_loads(tmp_path, capsys):
    write(tmp_path / "plate/good/a.png")
    write(tmp_path / "plate/dent/b.png")
    write(tmp_path / "plate/note.txt")
    assert cli.main(["data", "check", str(tmp_path / "plate")]) == 0
    printed = capsys.readouterr().out
    assert (
        "2 images, 0 masks\n  plate: 1 anomalous, 1 of dent, 1 normal\nleft out, 1 not images:\n  note.txt" in printed
    )
    write(tmp_path / "plate/masks/c.png", "mask")
    assert cli.main(["data", "check", str(tmp_path / "plate")]) == 1
    assert "problem: masks that belong to no image: masks/c.png" in capsys.readouterr().out
    options = ["--masks", "", "--normal-images", "good", "--images", "good", "--images", "dent"]
    assert cli.main(["data", "check", str(tmp_path / "plate"), *options]) == 0
    assert "left out, 1 not in images=good, dent:\n  masks/c.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["data", "check", "mvtec"], "pfl data check mvtec FOLDER"),
        (["data", "check", "absent"], "no folder absent"),
        (["evaluate", "absent"], "unknown data set 'absent'"),
        (["evaluate", "workshop", "--masks", "x"], "--masks is for a folder of your own"),
        (["evaluate", "."], "nothing can be measured on ."),
        (["train", ".", "--out", "runs/a"], "--out runs/a is in the folder of the images"),
    ],
)
def test_the_command_line_says_what_is_wrong_with_a_folder(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.png")
    assert cli.main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", (["predict", ""], ["evaluate", ""], ["data", "check", ""], ["predict", "x", "--normal", ""])
)
def test_an_empty_name_is_not_the_current_folder(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.png")
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert "the name is empty; pass . for the current folder" in capsys.readouterr().err
    with pytest.raises(ValueError, match="the name of the folder is empty"):
        pfl.data.folder("")
    with pytest.raises(ValueError, match="the folder is 3"):
        pfl.data.folder(3)
    with pytest.raises(ValueError, match="class_name is 3"):
        pfl.data.folder(".", class_name=3)


def test_data_check_says_that_there_are_no_images(tmp_path, capsys):
    assert cli.main(["data", "check", str(tmp_path)]) == 1
    assert f"problem: no images in {tmp_path} or its sub-folders; read are PNG" in capsys.readouterr().out


def test_evaluate_reads_an_own_folder_and_says_what_it_took(tmp_path, capsys):
    for name, kind in {"good/a.png": "image", "dent/b.png": "image", "gt/dent/b.png": "mask", "x.txt": ""}.items():
        write(tmp_path / "plate" / name, kind)
    assert cli.main(["evaluate", str(tmp_path / "plate"), "--num-samples", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("2 images, 1 mask; left out: 1 not images: see `pfl data check")
    assert "pixel_pro" in printed
