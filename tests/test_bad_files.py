"""One bad file never costs the run: it becomes a row with its error, and all others have their results."""

import os
import socket

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import pfl
from pfl import cli, inspection
from pfl.data import Dataset, Sample, loader
from pfl.data.writing import write_table
from pfl.heatmaps import place

SIDE = 32


@pytest.fixture(scope="module")
def model():
    return pfl.BayesPFL(pfl.load_clip("tiny-random", image_size=SIDE), pfl.ModelConfig(num_prompts=2, num_flows=2))


def picture(seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 30, 3), np.uint8))


def bomb(path):
    """A PNG whose header says 30,000 x 30,000 pixels."""
    picture().save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (30_000).to_bytes(4, "big") * 2
    data[29:33] = __import__("zlib").crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)


@pytest.fixture
def folder(tmp_path):
    """Five good images, some with odd names, and files that look like images; a few can be repaired."""
    folder = tmp_path / "parts"
    folder.mkdir()
    for i, name in enumerate(("a.png", "=1+1.png", "two\nlines.png", "n" * 245 + ".png", "é\u2028.jpg")):
        picture(i).save(folder / name)
    data = (folder / "a.png").read_bytes()
    (folder / "cut.png").write_bytes(data[: len(data) // 2])
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no image")
    bomb(folder / "bomb.png")
    picture().save(folder / "exif.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        before = os.getcwd()
        os.chdir(folder)  # an address of a socket has at most 108 bytes
        server.bind("socket.png")
        os.chdir(before)
    (folder / "gone.png").symlink_to(folder.parent / "nowhere.png")
    with open(os.fsencode(folder) + b"/\xff.png", "wb") as file:
        file.write(data)
    return folder


GOOD = ["'=1+1.png", "a.png", "n" * 245 + ".png", "two\nlines.png", "é\u2028.jpg"]
BAD = ["\\udcff.png", "bomb.png", "cut.png", "empty.jpg", "gone.png", "pipe.png", "socket.png", "text.png"]


def predict(folder, model, out, *options):
    if not (out.parent / "model").exists():
        pfl.save(model, out.parent / "model")
    options = ["--model", str(out.parent / "model"), "--num-samples", "1", *options]
    return cli.main(["predict", str(folder), "--class-name", "part", "--out", str(out), *options])


def test_bad_files_are_rows_with_errors_and_resume_tries_them_again(folder, model, tmp_path, capsys):
    out = tmp_path / "out"
    assert predict(folder, model, out) == 1
    said = capsys.readouterr()
    results = pd.read_csv(out / "results.csv")
    bad, good = results[results.error.notna()], results[results.error.isna()]
    named = [name for name in good.name if name != "exif.jpg"]
    assert sorted(named) == GOOD and sorted(set(bad.name) - {"exif.jpg"}) == BAD
    assert len(results) == len(GOOD) + len(BAD) + 1 and bad.score.isna().all() and good.score.notna().all()
    assert all((out / heatmap).is_file() for heatmap in good.heatmap)
    count = f"{len(bad)} of {len(results)} images could not be read"
    assert count in said.out and count in said.err and "Traceback" not in said.err
    assert f"{len(bad)} images could not be read" in (out / "report.html").read_text()

    picture(9).save(folder / "cut.png")  # a file is repaired, and one removed, as the error advises
    (folder / "empty.jpg").unlink()
    scores = good.set_index("name").score
    assert predict(folder, model, out, "--resume") == 1
    again = pd.read_csv(out / "results.csv").set_index("name")
    assert again.score["cut.png"] > 0 and "empty.jpg" not in again.index and len(again) == len(results) - 1
    assert (again.score[scores.index] == scores).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_vanishes_or_breaks_during_the_run_is_left_out_and_counted(model, tmp_path, workers):
    for i in range(6):
        picture(i).save(tmp_path / f"{i}.png")
    samples = [
        Sample(image=tmp_path / f"{i}.png", category=f"c{i % 2}", class_name="part", label=int(i > 3)) for i in range(6)
    ]
    data = Dataset(name="parts", samples=samples)
    whole = pfl.evaluation.measure(model, data, pfl.EvalConfig(num_samples=1))
    (tmp_path / "2.png").unlink()
    (tmp_path / "3.png").write_bytes(b"")
    config = pfl.EvalConfig(num_samples=1, workers=workers)
    with pytest.warns(UserWarning, match="2 of 6 images could not be read: .*2.png"):
        result = pfl.evaluation.measure(model, data, config)
    assert result.images.path.tolist() == [str(samples[i].image) for i in (0, 4, 1, 5)]
    kept = whole.images.set_index("path").strict_score[result.images.path]
    assert np.allclose(kept, result.images.strict_score)
    table = result.table()
    assert table.num_images.tolist() == [2, 2, 4] and table.num_unread.tolist() == [1, 1, 2]
    assert [row["category"] for row in pfl.evaluation.record(result, model, data, config)["unread"]] == ["c0", "c1"]
    with pytest.warns(UserWarning, match="2 of 6"):
        inspected = inspection.inspect(
            model, data, tmp_path / "out", num_samples=1, threshold=0.5, workers=workers, progress=False
        )
    assert inspected.score.notna().sum() == 4 and inspected.defective.isna().sum() == 2
    with pytest.raises(ValueError, match="none of the 1 images of parts could be read: .*2.png"):
        pfl.evaluate(model, data.subset(keep=lambda one: one == samples[2]))


@pytest.mark.parametrize("workers", [0, 1])
def test_training_refuses_and_names_the_file(model, tmp_path, workers):
    picture().save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"")
    samples = [
        Sample(image=tmp_path / f"{name}.png", category="c", class_name="c", label=0) for name in ("good", "bad")
    ]
    with pytest.raises(OSError, match="bad.png") as caught:
        list(loader(Dataset(name="parts", samples=samples), SIDE, 1, workers=workers))
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="bad.png cannot be read .unreadable.; training needs every image"):
        pfl.train(model, pfl.data.folder(tmp_path))


def test_cells_that_a_spreadsheet_would_run_are_quoted_and_numbers_stay_numbers(tmp_path):
    names = ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "plain", "it's"]
    write_table(tmp_path / "t.csv", pd.DataFrame({"name": names, "score": -1.5}))
    read = pd.read_csv(tmp_path / "t.csv")
    assert (
        read.name.tolist() == ["'=1+1", "'+1", "'-1", "'@sum", "'\tx", "'\\rx", "plain", "it's"]
        and (read.score == -1.5).all()
    )
    write_table(
        tmp_path / "t.csv", pd.DataFrame({"auroc": [-0.5]}, index=pd.Index(["=x"], name="category")), index=True
    )
    assert (tmp_path / "t.csv").read_text() == "category,auroc\n'=x,-0.5\n"


def test_a_heat_map_has_a_name_that_a_disk_accepts_and_its_own():
    long = [f"{'ß' * 123}{i}.png" for i in range(2)]
    places = [place(name) for name in (*long, "sub/a.png", "a.png")]
    assert len(set(places)) == 4 and places[2:] == ["heatmaps/sub/a.png.png", "heatmaps/a.png.png"]
    assert all(len(os.fsencode(part)) <= 255 for path in places for part in path.split("/"))
