"""Notebook 06: the example folder, one picture, and the threshold."""

import io
from datetime import datetime, timezone

import numpy as np
import pytest
from PIL import Image

from pfl.course import bricks, inspected
from pfl.course.own_picture import inspect_picture, picture_figure, predict_file
from pfl.data.transforms import image_tensor, read_image


def test_the_defects_of_the_example_are_those_that_are_drawn(tmp_path):
    bricks.draw(tmp_path, 4, [0, 1], 1.0)
    assert all(bricks.defects(4, [0, 1], 1.0).values()) and not any(bricks.defects(4, [0, 1], 0.0).values())
    assert sorted(path.name for path in tmp_path.iterdir()) == list(bricks.defects(4, [0, 1], 1.0))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    bricks.draw(tmp_path, 4, [0, 1], 1.0)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(FileExistsError, match="is not one of the example images"):
        bricks.draw(tmp_path, 4, [1, 1], 1.0)


def test_paths_are_shown_without_the_checkout(tmp_path):
    assert inspected.relative(inspected.plotting.root() / "runs" / "x") == "runs/x"
    assert inspected.relative(tmp_path / "mine") == "mine"


def test_a_picture_has_the_score_that_predict_gives_it(model, tiles):
    file = tiles[1].image
    _, score, std, heat = predict_file(model, file.read_bytes(), "tile")
    expected = model.predict(image_tensor(read_image(file), 32)[None], "tile", num_samples=10, seed=0)
    assert score == round(expected.score.item(), 6) and std == round(expected.score_std.item(), 6)
    assert np.array_equal(heat, expected.map[0])


def test_the_verdict_follows_the_threshold_and_counts_false_alarms(model, tiles):
    content, normal = tiles[1].image.read_bytes(), np.array([0.1, 0.2, 0.9])
    _, score, _, _ = predict_file(model, content, "tile")
    for threshold, verdict in ((score, "defective"), (min(1, score + 0.001), "normal")):
        _, text = picture_figure(model, content, "tile", threshold, normal)
        alarms = (normal >= threshold).sum()
        assert f"<b>{verdict}</b>" in text and f"of 3 normal images, <b>{alarms}</b>" in text
    assert "normal images" not in picture_figure(model, content, "tile", 0.5, np.array([]))[1]


def test_what_cannot_be_scored_is_said(model):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    with pytest.raises(ValueError, match="say in a word or two"):
        predict_file(model, file.getvalue(), " ")
    with pytest.raises(OSError, match="cannot read the picture"):
        predict_file(model, b"no image", "tile")


def test_an_uploaded_picture_is_scored_until_another_is_chosen(model, tiles):
    controls, numbers = inspect_picture(model, tiles, 0.5, np.array([0.1, 0.2])).children
    choice, upload, name, threshold = controls.children
    assert numbers.value.startswith("0.png: score")
    content = memoryview(tiles[3].image.read_bytes())
    file = {"name": "mine.png", "type": "image/png", "size": len(content), "content": content}
    upload.value = ({**file, "last_modified": datetime.now(timezone.utc)},)
    assert numbers.value.startswith("mine.png: score")
    threshold.value = 0.0
    assert "<b>defective</b> at threshold 0.000" in numbers.value and "<b>2</b> would be false alarms" in numbers.value
    name.value = ""
    assert "say in a word or two" in numbers.value
    name.value = "tile"
    choice.value = 2
    assert numbers.value.startswith("2.png: score")
