"""Inspecting a folder: its outputs, the calibrated threshold, and resuming."""

import base64
import contextlib
import io
import os
import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import pfl
from pfl import cli, inspection
from pfl.inspection import calibrate, inspect


@pytest.fixture(scope="module")
def model():
    return pfl.BayesPFL(
        pfl.load_clip("tiny-random", image_size=64), pfl.ModelConfig(flow_init=0.02, base_variance=0.01)
    )


@pytest.fixture
def folder(tmp_path):
    path, rng = tmp_path / "plates", np.random.default_rng(0)
    for name in ("a.png", "sub/b.jpg", "<b>&.png", "sub/a.png"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (40, 60, 3), np.uint8)).save(path / name)
    return path


def test_every_image_has_a_score_a_heat_map_of_its_size_and_a_place_in_the_report(model, folder, tmp_path):
    data = pfl.data.folder(folder, class_name="metal plate")
    table = inspect(model, data, tmp_path / "out", root=folder, num_samples=2, threshold=0.5, progress=False)
    assert sorted(table.name) == ["<b>&.png", "a.png", "sub/a.png", "sub/b.jpg"]
    assert table.score.is_monotonic_decreasing and (table.defective == (table.score >= 0.5)).all()
    for heatmap in table.heatmap:
        assert Image.open(tmp_path / "out" / heatmap).size == (60, 40)
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 4
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("<figure") == 4 and "&lt;b&gt;&amp;.png" in page and "<b>&.png" not in page
    sources = re.findall(r"""(?:src|href|url|@import)\s*[=(\s]\s*["']?([^"'\s>)]*)""", page)
    assert len(sources) == 8 and all(source.startswith("data:image/") for source in sources)  # nothing is fetched


def test_a_killed_run_resumes_with_the_same_result(model, folder, tmp_path, monkeypatch):
    data = pfl.data.folder(folder, class_name="plate")
    whole = inspect(model, data, tmp_path / "whole", root=folder, num_samples=2, progress=False)
    save, count = inspection._save_heatmap, iter(range(9))

    def interrupt(*args):
        if next(count) == 2:
            raise KeyboardInterrupt
        save(*args)

    monkeypatch.setattr(inspection, "_save_heatmap", interrupt)
    with pytest.raises(KeyboardInterrupt):
        inspect(model, data, tmp_path / "cut", root=folder, num_samples=2, progress=False)
    monkeypatch.setattr(inspection, "_save_heatmap", save)
    with open(tmp_path / "cut" / "progress.jsonl", "a") as log:
        log.write('{"name": "sub/b.j')  # a line cut off by the kill
    with pytest.raises(FileExistsError, match="--resume"):
        inspect(model, data, tmp_path / "cut", root=folder, num_samples=2, progress=False)
    resumed = inspect(model, data, tmp_path / "cut", root=folder, num_samples=2, resume=True, progress=False)
    pd.testing.assert_frame_equal(resumed, whole)
    monkeypatch.setattr(inspection, "_save_heatmap", None)  # all images are finished, also that of the line cut off
    resumed = inspect(model, data, tmp_path / "cut", root=folder, num_samples=2, resume=True, progress=False)
    pd.testing.assert_frame_equal(resumed, whole)
    with pytest.raises(ValueError, match="another number of samples"):
        inspect(model, data, tmp_path / "cut", root=folder, num_samples=3, resume=True, progress=False)


def test_a_run_is_not_resumed_with_other_images_of_the_same_names(model, folder, tmp_path):
    def again():
        data = pfl.data.folder(folder, class_name="plate")
        return inspect(model, data, tmp_path / "out", root=folder, num_samples=1, resume=True, progress=False)

    again()
    log = tmp_path / "out" / "progress.jsonl"
    log.write_text('{"clip": "')  # killed while the settings were written
    again()
    assert len(log.read_text().splitlines()) == 5
    Image.new("RGB", (60, 40)).save(folder / "a.png")
    with pytest.raises(ValueError, match="another set of images.*choose another folder"):
        again()


def test_a_replaced_image_is_noticed_whatever_its_size_and_date(model, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in (0, 1):
        image = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(image).save(folder / "a.bmp")
        os.utime(folder / "a.bmp", (0, 0))
        data = pfl.data.folder(folder)
        with pytest.raises(ValueError, match="a.bmp has changed") if seed else contextlib.nullcontext():
            inspect(model, data, tmp_path / "out", num_samples=1, resume=True, progress=False)


def test_calibration_scores_are_those_of_the_table(model, folder, tmp_path):
    data = pfl.data.folder(folder, class_name="plate")
    scores = inspection.scores_of(model, data, num_samples=1)
    for threshold in (calibrate(scores, 0.2), inspection.ABOVE_ALL):
        table = inspect(
            model, data, tmp_path / str(threshold), root=folder, threshold=threshold, num_samples=1, progress=False
        )
        assert sorted(table.score) == sorted(scores) and not table.defective.any()


def test_only_images_known_to_be_normal_are_calibrated_on(folder, tmp_path):
    (folder / "sub").rename(folder / "good")
    assert {sample.image.parent.name for sample in inspection.known_normal(folder).samples} == {"good"}
    (folder / "good").rename(tmp_path / "bad")
    assert len(inspection.known_normal(folder)) == 2
    with pytest.raises(ValueError, match="no image of .*bad is known to be normal"):
        inspection.known_normal(tmp_path / "bad")


def test_a_score_that_is_nan_ends_the_command(model, folder, tmp_path, capsys):
    bad = pfl.BayesPFL(model.clip, model.config)
    for weight in bad.parameters():
        weight.data.mul_(1e20)
    pfl.save(bad, tmp_path / "bad")
    assert cli.main(["predict", str(folder), "--model", str(tmp_path / "bad"), "--out", str(tmp_path / "o")]) == 2
    assert "is NaN in fp32; use another precision" in capsys.readouterr().err
    with pytest.raises(FloatingPointError, match="score of image 1 of 1 .plate. is NaN"):
        bad.predict(torch.full((1, 3, 64, 64), 0.3), "plate", num_samples=1)


def test_images_behind_links_have_the_names_of_the_links(model, folder, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    (links / "one.png").symlink_to(folder / "a.png")
    (links / "below").symlink_to(folder / "sub")
    (tmp_path / "all").symlink_to(links)
    for root in (links, tmp_path / "all"):
        data = pfl.data.folder(root)
        table = inspect(model, data, tmp_path / f"of {root.name}", root=root, num_samples=1, progress=False)
        assert set(table.name) == {"one.png", "below/a.png", "below/b.jpg"}


def test_a_calibrated_threshold_has_the_false_alarm_rate_asked_for():
    rng, alarms = np.random.default_rng(0), []
    for _ in range(400):
        scores = rng.beta(2, 5, 60)
        alarms.append((scores[40:] >= calibrate(scores[:40], 0.1)).mean())
    assert 0.06 < np.mean(alarms) <= 0.11
    assert calibrate([0.1, 0.2], 1) == pytest.approx(0.1)  # not the largest
    assert calibrate([1, 1, 1], 0.5) == inspection.ABOVE_ALL
    assert calibrate(np.arange(9) / 10, 0.1) > 0.8  # nine images: the largest of them
    with pytest.raises(ValueError, match="give 99 or more"):
        calibrate(np.zeros(98), 0.01)


def test_the_command_writes_the_report_and_errors_take_one_line(model, folder, tmp_path, capsys):
    pfl.save(model, tmp_path / "model")
    arguments = [
        "predict",
        str(folder),
        "--model",
        str(tmp_path / "model"),
        "--num-samples",
        "1",
        "--out",
        str(tmp_path / "o"),
    ]
    assert cli.main([*arguments, "--class-name", "plate"]) == 0
    assert (tmp_path / "o" / "report.html").exists()
    capsys.readouterr()
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    for name in ("good/0.png", "good/1.png", "dent/0.png"):  # defective images are not used for calibration
        (tmp_path / "known" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "known" / name)
    calibrated = [*arguments[:-1], str(tmp_path / "p"), "--normal", str(tmp_path / "known"), "--false-alarms", "0.4"]
    assert cli.main(calibrated) == 0
    assert "from 2 normal images" in capsys.readouterr().out
    for wrong in (["--num-samples", "0"], ["--device", "gpu"], ["--device", "cuda:99"]):
        with pytest.raises(SystemExit):
            cli.main([*arguments, *wrong])
        assert wrong[1] in capsys.readouterr().err
    assert cli.main(["predict", str(tmp_path / "nowhere"), "--model", str(tmp_path / "model")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_heat_maps_of_large_images_are_bounded_unless_full_size_is_asked_for(model, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 2500, 3), np.uint8)).save(tmp_path / "long.png")
    data = pfl.data.folder(tmp_path, class_name="strip")
    sizes, scores = [], []
    for full_size in (False, True):
        out = tmp_path / "out" / str(full_size)
        table = inspect(model, data, out, num_samples=1, full_size=full_size, progress=False)
        sizes.append(Image.open(out / table.heatmap[0]).size)
        scores.append(table.score[0])
    assert sizes == [(2048, 25), (2500, 30)] and scores[0] == scores[1]


def test_the_report_shows_a_dim_16_bit_image_as_it_was_read(model, tmp_path):
    """A camera of 12 bits: brightened by the range of its folder, in the heat map, too."""
    Image.fromarray(np.full((16, 16), 4000, np.uint16)).save(tmp_path / "a.png")
    inspect(model, pfl.data.folder(tmp_path, class_name="part"), tmp_path / "out", num_samples=1, progress=False)
    page = (tmp_path / "out" / "report.html").read_text()
    shown = re.search('image/jpeg;base64,([^"]+)', page)[1]
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(shown)))).mean() > 200


def test_results_are_not_written_among_the_images_and_are_no_images_themselves(model, folder):
    def run(out, **options):
        data = pfl.data.folder(folder)
        return inspect(model, data, folder / out, root=folder, num_samples=1, progress=False, **options)

    for out in (".", "sub"):
        with pytest.raises(ValueError, match="contains images to score; write the results into a folder of their own"):
            run(out)
    table = run("results")
    again = run("results", resume=True)
    pd.testing.assert_frame_equal(again, table)
    account = pfl.data.folder(folder).account
    assert str(account).startswith("4 images, 0 masks; left out: 4 results of pfl predict")
    with pytest.raises(ValueError, match="contains images to score"):
        inspect(model, pfl.data.folder(folder / "results/heatmaps"), folder / "results", num_samples=1, progress=False)
    assert sorted(path.name for path in folder.glob("*.*")) == ["<b>&.png", "a.png"]


def test_the_command_prints_what_the_folder_holds_and_takes_the_camera_s_bit_depth(model, folder, tmp_path, capsys):
    pfl.save(model, tmp_path / "model")
    (folder / "note.txt").write_text("")
    arguments = ["predict", str(folder), "--model", str(tmp_path / "model"), "--num-samples", "1", "--out"]
    assert cli.main([*arguments, str(tmp_path / "o")]) == 0
    assert capsys.readouterr().out.startswith("4 images, 0 masks; left out: 1 not images: see `pfl data check")
    Image.fromarray(np.full((8, 8), 4000, np.uint16)).save(folder / "deep.png")
    Image.fromarray(np.full((8, 8), 900, np.uint16)).save(tmp_path / "normal.png")
    (tmp_path / "known").mkdir()
    (tmp_path / "normal.png").rename(tmp_path / "known/normal.png")
    calibrated = [*arguments, str(tmp_path / "p"), "--normal", str(tmp_path / "known"), "--false-alarms", "0.5"]
    assert cli.main(calibrated) == 2
    assert "have other bit depths; say the camera's with --bit-depth" in capsys.readouterr().err
    assert cli.main([*calibrated, "--bit-depth", "12"]) == 0
