"""Export: the file gives the numbers of `predict`, for any number of images and samples and any name."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import open_clip
import pytest
import torch
from PIL import Image

from pfl import cli, load_clip, save
from pfl import export as exporting
from pfl.config import ModelConfig
from pfl.data.transforms import image_tensor, read_image
from pfl.distributions import Noise
from pfl.export import CARD, OUTPUTS, Graph, describe, export, packed, to_onnx, to_pt2, trace
from pfl.model import BayesPFL

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
NAMES = ["metal nut", "cable", "printed circuit board"]


@pytest.fixture(scope="module")
def model(clip):
    return BayesPFL(clip, ModelConfig(num_prompts=2, num_flows=3))


@pytest.fixture(scope="module")
def program(model):
    return trace(Graph(model))


@pytest.fixture(scope="module")
def proto(program):
    return to_onnx(program)


def inputs(model, names, samples, padding=0):
    """Inputs of the file for one image per name, and the prediction for them."""
    generator, side = torch.Generator().manual_seed(samples), model.clip.image_size
    images = torch.rand(len(names), 3, side, side, generator=generator)
    tokens = open_clip.tokenize(names)
    context = torch.randn(len(names), samples, model.clip.dim, generator=generator)
    states = torch.randn(2, samples, model.clip.dim, generator=generator)
    prediction = model.predict(images, names, noise=Noise(context=context, states=states))
    return (images, tokens[:, : tokens.argmax(dim=1).max() + 1 + padding], context, states), prediction


def run(content: bytes, given) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(OUTPUTS, {one.name: x.numpy() for one, x in zip(session.get_inputs(), given, strict=True)})


def error(found, prediction) -> float:
    """Largest difference of any output."""
    expected = [getattr(prediction, name) for name in OUTPUTS]
    return max(float(np.abs(np.asarray(a) - b.numpy()).max()) for a, b in zip(found, expected, strict=True))


CASES = [(NAMES[:1], 1, 0), (NAMES, 4, 0), (NAMES[1:], 10, 3), (["screw"] * 5, 2, 58), (["long " * 64 + "nut"], 2, 0)]


@pytest.mark.parametrize("names, samples, padding", CASES)
def test_both_formats_give_the_numbers_of_predict(names, samples, padding, model, program, proto):
    given, prediction = inputs(model, names, samples, padding)
    assert error(run(packed(proto, {}, "float32"), given), prediction) < 1e-5
    with torch.no_grad():
        assert error(program.module()(*given), prediction) < 1e-5


def test_onnxruntime_web_has_all_operators_of_the_file(proto):
    onnx.checker.check_model(proto, full_check=True)
    assert {one.domain: one.version for one in proto.opset_import if one.domain in ("", "ai.onnx")} == {"": 18}
    assert {node.domain for node in proto.graph.node} <= {"", "ai.onnx"}


@pytest.mark.parametrize("weights, most, smaller", [("float16", 1e-3, 1.9), ("int8", 1e-2, 3.5)])
def test_weights_of_fewer_bits_make_the_file_smaller_and_the_map_hardly_other(weights, most, smaller, model, proto):
    copy = onnx.ModelProto.FromString(proto.SerializeToString())
    content = packed(copy, {}, weights)
    assert proto.ByteSize() / len(content) > smaller
    given, prediction = inputs(model, NAMES, 3)
    assert 0 < error(run(content, given), prediction) < most


def test_a_clip_in_openai_s_format_with_quickgelu_the_head_of_stage_2_and_some_names(tmp_path):
    vision = dict(image_size=48, patch_size=16, width=64, layers=8)  # every second layer is used
    text = dict(context_length=77, vocab_size=49408, width=64, heads=1, layers=2)
    torch.save(open_clip.CLIP(64, vision, text).state_dict(), tmp_path / "clip.pt")
    clip = load_clip(str(tmp_path / "clip.pt"), activation="quickgelu")
    model = BayesPFL(clip, ModelConfig(num_prompts=1, num_flows=2))
    model.stage, clip.memory = 2, {}
    content = export(model, tmp_path / "some.onnx", names=NAMES).read_bytes()
    everything = sum(4 * one.numel() for one in (*model.parameters(), *clip.parameters()))
    assert len(content) < everything - 12e6  # the token embedding has 12.6 MB
    for names in (NAMES, ["cable nut", "metal circuit"]):
        given, prediction = inputs(model, names, 3)
        assert error(run(content, given), prediction) < 1e-5
    with pytest.raises(Exception, match="out of data bounds"):
        run(content, inputs(model, ["screw"], 2)[0])
    assert json.loads(metadata(content)[CARD])["names"] == NAMES


def metadata(content: bytes) -> dict:
    return onnxruntime.InferenceSession(content).get_modelmeta().custom_metadata_map


@pytest.mark.parametrize(
    "names, message",
    [([], "at least one"), ("cable", "a list"), ([""], "empty"), (["very " * 80], "shorten it"), ([3], "pass words")],
)
def test_names_that_no_file_can_take_are_refused(names, message, model, tmp_path):
    with pytest.raises(ValueError, match=message):
        export(model, tmp_path / "none.pt2", names=names)


# --- the page, the command, and the card ---


def test_the_lines_of_the_page_give_the_numbers_of_predict(model, proto, tmp_path, monkeypatch):
    (tmp_path / "model.onnx").write_bytes(packed(proto, describe(model, None, "float32"), "float32"))
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (50, 40, 3), dtype=np.uint8)).save(tmp_path / "part.png")
    monkeypatch.chdir(tmp_path)
    (lines,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found = {}
    exec(lines, found)
    noise = Noise(context=torch.from_numpy(found["context_noise"]), states=torch.from_numpy(found["state_noise"]))
    image = image_tensor(read_image(tmp_path / "part.png"), model.clip.image_size)
    prediction = model.predict(image[None], "metal nut", noise=noise)
    given = [found[name] for name in ("score", "score_std", "anomaly_map", "map_std")]
    assert error(given, prediction) < 1e-5 and found["card"]["names"] == "any"


def test_the_command_writes_a_file_with_its_card(clip, program, tmp_path, capsys):
    model = BayesPFL(clip, ModelConfig(num_prompts=2, isd=False, rca=False))  # one noise has no effect
    save(model, tmp_path / "model", card={"data": "tiles"})
    (tmp_path / "m.pt2").write_bytes(to_pt2(program, {}))  # an earlier file of the command's, which it overwrites
    assert cli.main(["export", str(tmp_path / "model"), "--to", str(tmp_path / "m.pt2")]) == 0, capsys.readouterr()
    printed = capsys.readouterr()
    assert printed.out.count("m.pt2: ") == 1 and not printed.err
    extra = {CARD: ""}
    written = torch.export.load(tmp_path / "m.pt2", extra_files=extra)
    given, prediction = inputs(model, NAMES, 2)
    with torch.no_grad():
        assert error(written.module()(*given), prediction) < 1e-5
    card = json.loads(extra[CARD])
    assert card == json.loads(json.dumps(describe(model, None, "float32"))) | {"card": {"data": "tiles"}}
    assert card["fingerprint"]["clip"] == model.clip.fingerprint and "(b, 3, 32, 32)" in card["image"]


def test_an_onnx_file_has_its_card_and_is_known_by_its_first_bytes(model, proto, tmp_path):
    content = packed(proto, describe(model, None, "float32"), "float32")
    assert json.loads(metadata(content)[CARD])["names"] == "any"
    (tmp_path / "m.onnx").write_bytes(content)
    exporting.check_export(tmp_path / "m.onnx")  # may be overwritten


@pytest.mark.parametrize("name", ["m.onnx", "m.pt2"])
def test_a_file_of_the_users_is_not_overwritten(name, tmp_path, capsys):
    (tmp_path / name).write_bytes(b"mine")
    assert cli.main(["export", "default", "--to", str(tmp_path / name)]) == 2
    assert f"{name} is another file than this command writes; choose another name" in capsys.readouterr().err
    assert (tmp_path / name).read_bytes() == b"mine"


def test_what_cannot_be_exported_is_an_error_on_one_line(model, tmp_path, monkeypatch, capsys):
    def fails(*arguments):
        assert cli.main(["export", "default", *arguments]) == 2
        return capsys.readouterr().err

    assert "ends neither in .onnx nor in .pt2" in fails("--to", str(tmp_path / "m.pth"))
    assert "weights in float32, not in int8" in fails("--to", str(tmp_path / "m.pt2"), "--weights", "int8")
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    assert "pip install 'bayes-pfl[export]'" in fails("--to", str(tmp_path / "m.onnx"))
    with pytest.raises(ValueError, match="weights 'int4' is unknown"):
        export(model, tmp_path / "m.onnx", weights="int4")
    with pytest.raises(ValueError, match="model is None; pass a BayesPFL"):
        export(None, tmp_path / "m.pt2")
    assert not list(tmp_path.iterdir())
