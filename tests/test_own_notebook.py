"""Notebook 06 never changes a user's pictures, wherever they are; and the parameters of all notebooks are checked."""

import ast
import builtins
import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

import pfl
from pfl import parameters, plotting
from pfl.parameters import check_parameters

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.rglob("*.ipynb"))


def code(path: Path) -> tuple[str, list[str]]:
    """The cell of parameters and the code cells after it, but none whose claims only a trained model meets."""
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    cells = [c for c in cells if "measured" not in c["metadata"].get("tags", [])]
    sources = ["".join(cell["source"]) for cell in cells]
    return sources[0], sources[1:]


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """run(**parameters) runs notebook 06 in an empty checkout with a small model; returns its variables."""
    course = tmp_path / "course"
    for name in ("notebooks", "figures"):
        (course / name).mkdir(parents=True)
    monkeypatch.chdir(course / "notebooks")
    matplotlib.use("Agg")
    model = pfl.BayesPFL(pfl.load_clip("tiny-random", image_size=32), pfl.ModelConfig(num_prompts=2, num_flows=2))
    monkeypatch.setattr(pfl, "load", lambda *_, **__: model)
    monkeypatch.setattr(plotting, "save_figure", lambda *_, **__: matplotlib.pyplot.close("all"))
    defaults, cells = code(FOLDER / "06_your_own_images.ipynb")

    def run(**given) -> dict:
        names: dict = {"__builtins__": builtins}
        exec(defaults, names)
        names |= given
        for cell in cells:
            exec(cell, names)
        return names

    with matplotlib.rc_context():  # the notebook sets its style
        yield run


def pictures(folder: Path, count: int = 4) -> dict[Path, bytes]:
    """Some pictures of a user, one of them with the name of an example image, and another file."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        image = Image.fromarray(np.random.default_rng(i).integers(0, 255, (20, 24, 3), np.uint8))
        image.save(folder / f"IMG {i:04d}.png")
    (folder / "notes.txt").write_text("mine")
    return contents(folder)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_pictures_are_only_read_wherever_they_are(notebook, tmp_path):
    course = tmp_path / "course"
    for at, given in {
        tmp_path / "elsewhere": str(tmp_path / "elsewhere"),
        course / "mine": "mine",  # relative to the checkout
        course / "notebooks" / "here": "here",  # relative to the working directory
        course / "runs" / "tiny" / "own_images" / "mine": "runs/tiny/own_images/mine",
    }.items():
        before = pictures(at)
        used = notebook(folder=given, class_name="part")
        assert contents(at) == before and len(used["table"]) == 4
        assert used["rule"] == "a guess, false-alarm rate unknown" and at not in used["work"].parents
        assert used["figures"] == used["work"]  # they do not replace the course's


def test_pictures_where_the_notebook_writes_are_refused_and_kept(notebook, tmp_path):
    own = tmp_path / "course" / "runs" / "tiny" / "own_images"
    before = pictures(own / "bricks-0" / "camera") | pictures(own) | pictures(own / "bricks-0" / "normal")
    with pytest.raises(FileExistsError, match="is not one of the example images; move it, or pass folder="):
        notebook()
    for folder in (own, own.parents[1], tmp_path):
        with pytest.raises(ValueError, match="is where this notebook writes"):
            notebook(folder=str(folder))
    assert contents(own) == before
    assert len(notebook(folder=str(own / "bricks-0" / "camera"))["table"]) == 4
    assert before.items() <= contents(own).items()


def test_a_second_run_continues_and_other_parameters_have_a_folder_of_their_own(notebook, tmp_path):
    first = notebook()
    mine = pictures(first["work"])  # pictures among the results
    again, other = notebook(), notebook(false_alarms=0.2)
    assert again["work"] == first["work"] != other["work"] and again["table"].equals(first["table"])
    assert mine.items() <= contents(first["work"]).items()
    assert first["rule"] == "10% false alarms" and len(first["normal_scores"]) == 30


def test_the_threshold_comes_from_the_users_own_normal_pictures(notebook, tmp_path):
    pictures(tmp_path / "mine"), pictures(tmp_path / "normal", 10)
    used = notebook(folder=str(tmp_path / "mine"), normal=str(tmp_path / "normal"), class_name="part")
    assert len(used["normal_scores"]) == 10 and used["rule"] == "10% false alarms"
    with pytest.raises(ValueError, match="4 normal images are too few"):
        notebook(folder=str(tmp_path / "mine"), normal=str(tmp_path / "mine"), class_name="part")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_imports_come_before_the_check_of_all_parameters(path):
    defaults, cells = code(path)
    values: dict = {}
    exec(defaults, values)
    names = [target.id for statement in ast.parse(defaults).body for target in statement.targets]
    before = next(n for n, cell in enumerate(cells) if "check_parameters(" in cell)
    assert all(isinstance(s, ast.Import | ast.ImportFrom) for cell in cells[:before] for s in ast.parse(cell).body)
    calls = [node for node in ast.walk(ast.parse(cells[before])) if isinstance(node, ast.Call)]
    calls = [node for node in calls if getattr(node.func, "id", "") == "check_parameters"]
    assert [keyword.arg for call in calls for keyword in call.keywords] == names
    known = {*parameters.LEAST, *parameters.FOLDERS, *parameters.CHOICES}
    assert set(names) <= known | {"root", "device", "sizes", "false_alarms", "class_name"}
    check_parameters(**{name: values[name] for name in names})


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "preset": ["Tiny", 1, None],
        "seed": ["0", -1, 1.0, True, 2**70],
        "num_samples": [0, 10**12],
        "every": [0, "2"],
        "sizes": [[], [0], "8", 8],
        "false_alarms": [0.0, 1.0, "0.1", 5, float("nan")],
        "folder": ["nowhere", 7],
        "class_name": [" ", 5],
        "device": ["cuda:99", "gpu", 0],
        "target": ["mvtec2"],
    }.items(),
)
def test_a_wrong_parameter_is_named_with_what_it_may_be(name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} is .+: .{{10,}}"):
            check_parameters(**{name: value})
