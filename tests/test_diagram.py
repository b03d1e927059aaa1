"""The picture of the method: true to the model in shapes, files and notebooks, and readable."""

import io
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path as File

import matplotlib.pyplot as plt
import open_clip
import pytest
import torch
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from matplotlib.transforms import Bbox

import pfl
from pfl import plotting
from pfl.clip import FrozenCLIP
from pfl.diagram import ARROWS, NOTEBOOKS, PLACES, SIZE, alt_text, diagram, parts
from pfl.distributions import draw_noise
from pfl.shapes import SHAPES, Sizes

ROOT = File(__file__).parents[1]
SWITCHED_OFF = pfl.ModelConfig(num_prompts=1, isd=False, iad=False, flow=False, rca=False)
LARGE = pfl.ModelConfig(num_prompts=12, context_len=20, state_len=20, num_flows=20)
PRESETS = {
    "tiny": pfl.preset("tiny"),
    "paper": pfl.preset("paper"),
    "off": replace(pfl.preset("tiny"), model=SWITCHED_OFF),
    "large": replace(pfl.preset("paper"), model=LARGE, eval=pfl.EvalConfig(num_samples=100)),
}


@pytest.fixture
def unlike():
    """A model whose axes all have different sizes."""
    vision = dict(layers=5, width=64, patch_size=8, image_size=56)
    clip = open_clip.CLIP(48, vision, dict(context_length=77, vocab_size=49408, width=48, heads=1, layers=1))
    frozen = FrozenCLIP(model=clip, name="unlike", pretrained=None, feature_layers=(2, 4))
    return pfl.BayesPFL(frozen, pfl.ModelConfig(num_prompts=3, context_len=4, state_len=6, num_flows=5))


@pytest.fixture
def drawn(request):
    """The figure of a preset at 700 pixels, and the kind of each of its parts."""
    fig = diagram(PRESETS[request.param])
    fig.set_dpi(700 / SIZE[0])
    fig.canvas.draw()
    yield fig, {name: part.on and part.kind for name, part in parts(Sizes.of(PRESETS[request.param])).items()}
    plt.close(fig)


def test_the_shapes_shown_are_those_of_a_forward_pass(unlike):
    seen = {}
    unlike.prompts.register_forward_hook(lambda module, given, made: seen.update(endings=made[1]))
    image, noise = torch.rand(1, 3, 56, 56), draw_noise(48, pfl.EvalConfig.num_samples, torch.Generator())
    x, patches = unlike.features(image)
    output = unlike(x, patches, ["gear"], noise)
    tensors = {
        "image": image[0],
        "x": x[0],
        "patch tokens": torch.stack(patches)[:, 0],
        "context samples": output.context.zk[0],
        "state samples": output.states.zk,
        "prompts": seen["endings"][0, ..., 0, 0].permute(2, 0, 1),
        "text embeddings": output.text[0],
        "map": unlike.predict(image, "gear", noise=noise).map[0],
    }
    fig = diagram(unlike)
    words = "\n".join(text.get_text() for text in fig.axes[0].texts)
    assert tensors.keys() == SHAPES.keys()
    for name, tensor in tensors.items():
        assert Sizes.of(unlike).shape(name) == tensor.shape, name
        shape = f"D = {len(tensor)}" if name == "x" else " × ".join(map(str, tensor.shape))
        assert re.search(rf"(?<![\d×] ){re.escape(shape)}(?! ×)", words), f"{name} {shape} is not shown"
    plt.close(fig)


def test_a_preset_has_the_sizes_of_its_model():
    tiny = pfl.preset("tiny")
    model = pfl.BayesPFL(pfl.load_clip("tiny-random"), tiny.model)  # built like the shipped one
    assert Sizes.of(tiny) == Sizes.of(model)
    shapes = Sizes.of(pfl.preset("paper")).table().set_index("tensor")["shape"]
    assert shapes["patch tokens"] == "4 1369 1024" and shapes["x"] == "768"  # ViT-L/14 at 518 px
    with pytest.raises(ValueError, match="pass the model"):
        diagram(replace(tiny, clip={"name": "mine.pt"}))


def test_every_part_has_a_file_and_notebooks_that_exist():
    found = parts(Sizes.of(pfl.preset("tiny")))
    assert found.keys() == PLACES.keys() == set().union(*NOTEBOOKS.values())
    assert found.keys() == ARROWS.keys() | {end for ends in ARROWS.values() for end in ends}
    for name, part in found.items():
        assert (ROOT / "pfl" / part.file).exists(), name
    assert list(NOTEBOOKS) == sorted(path.name[:2] for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("drawn", PRESETS, indirect=True)
def test_texts_are_large_enough_and_touch_neither_each_other_nor_edges_nor_arrows(drawn):
    fig, kinds = drawn
    ax = fig.axes[0]
    boxes = {patch.get_gid(): patch.get_window_extent() for patch in ax.patches if patch.get_gid()}
    texts = [(text.get_text(), text.get_window_extent(), text) for text in ax.texts if text.get_text()]
    assert boxes.keys() == PLACES.keys() and min(text.get_size() for *_, text in texts) >= 8
    assert SIZE[0] <= 700 / 96  # inches of 700 CSS pixels
    for i, (words, extent, text) in enumerate(texts):
        around = boxes.get(text.get_gid(), fig.bbox)
        mark = 0.2 * fig.dpi if kinds.get(text.get_gid()) else 2  # pixels of the stripe
        room = Bbox([around.min + (mark, 2), around.max - 2])
        assert room.containsx(extent.x0) and room.containsx(extent.x1), f"{words!r} is too wide"
        assert room.containsy(extent.y0) and room.containsy(extent.y1), f"{words!r} is too high"
        for others, other, _ in texts[:i]:
            assert not extent.overlaps(other), f"{words!r} overlaps {others!r}"
    arrows = [_outline(patch) for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) >= sum(map(len, ARROWS.values()))
    for arrow in arrows:
        hit = [words for words, extent, _ in texts if arrow.intersects_bbox(extent, filled=False)]
        assert not [words for words in hit if not words.startswith("image embedding")], f"an arrow crosses {hit}"
        touched = [name for name, box in boxes.items() if arrow.intersects_bbox(box, filled=False)]
        assert len(touched) <= 2, f"an arrow crosses {touched}"  # it starts at one box and ends at another


def _outline(arrow: FancyArrowPatch) -> Path:
    """An arrow's lines in pixels, without the vertices (0, 0) that close its head."""
    path = arrow.get_transform().transform_path(arrow.get_path())
    kept = path.codes != Path.CLOSEPOLY
    return Path(path.vertices[kept], path.codes[kept])


def test_a_notebook_or_a_name_lights_its_parts_and_fades_the_others():
    for lit, names in NOTEBOOKS.items() | {("attention", ("attention",))}:
        fig = diagram(PRESETS["tiny"], lit=lit)
        titles = {text.get_gid() for text in fig.axes[0].texts if text.get_gid() and text.get_zorder() > 1}
        assert titles == set(names)
        assert alt_text(PRESETS["tiny"], lit=lit).count(names[0]) >= 1
        plt.close(fig)
    with pytest.raises(ValueError, match="lit is '07'"):
        diagram(PRESETS["tiny"], lit="07")


def test_saving_twice_in_the_style_of_the_course_changes_nothing(tmp_path):
    with plt.rc_context(), warnings.catch_warnings():
        plotting.use_style()
        warnings.simplefilter("error")
        fig, files = diagram(PRESETS["tiny"], lit="02"), [io.BytesIO(), io.BytesIO()]
        for file in files:
            fig.savefig(file, format="png", dpi=60)
    assert files[0].getvalue() == files[1].getvalue()
    plt.close(fig)


def test_a_first_diagram_leaves_a_notebook_able_to_display_figures(tmp_path):
    """Jupyter's backend, once loaded, makes pyplot interactive; only then are later figures displayed."""
    backend = "import matplotlib\nfrom matplotlib.backends.backend_agg import *\nmatplotlib.interactive(True)\n"
    (tmp_path / "displaying.py").write_text(backend)
    code = "import pfl\nfrom pfl.diagram import diagram, plt\ndiagram(pfl.preset('tiny'))\nassert plt.isinteractive()"
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = os.environ | {"MPLBACKEND": "module://displaying", "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
