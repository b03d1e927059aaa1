"""The paper's experiment end to end, on miniatures of all fifteen sets."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from miniatures import build, write
from originals import ORIGINALS, add_tables

from pfl import cli, config, preset
from pfl.comparison import PUBLISHED, SOURCES
from pfl.config import ModelConfig, TrainConfig
from pfl.data import SPECS
from pfl.reproduce import auxiliary_for, reproduce, survey

SMALL = replace(
    preset("tiny"),
    clip={"name": "tiny-random", "image_size": 32},
    model=ModelConfig(num_prompts=2, num_flows=2),
    train=TrainConfig(epochs=1, stage2_epochs=1, batch_size=4),
    eval=replace(preset("tiny").eval, num_samples=2),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    for name, table, _ in ORIGINALS.values():
        folder = root / SPECS[name].title
        if not folder.exists():  # some have a second layout
            build(folder, table)
            add_tables(folder)
    for number, kind in enumerate(["mask", "empty", "empty"]):
        write(root / f"KSDD2/test/{number}.png")
        write(root / f"KSDD2/test/{number}_GT.png", kind)
        write(root / f"DAGM/Class1/Train/{number:04d}.PNG", "grey")
    write(root / "DAGM/Class1/Train/Label/0000_label.PNG", "mask")
    for name in ("no/10 no.jpg", "yes/Y100.JPG"):
        write(root / "BrainMRI" / name)
    return root


def test_all_fifteen_are_found_and_only_visa_is_tested_after_training_on_mvtec(root):
    plan = survey(root)
    assert set(plan.tests) == set(SPECS) and not plan.missing
    assert {name for name in SPECS if auxiliary_for(name) == "mvtec"} == {"visa"}


def test_copies_give_a_table_with_published_numbers_and_finished_work_is_not_repeated(root, tmp_path, capsys):
    table = reproduce(root, SMALL, out=tmp_path, seeds=2, only=["mvtec", "headct"])
    printed = capsys.readouterr().out
    assert "train on visa" in printed and "test on  headct" in printed and " min" in printed
    assert set(table["set"]) == {"mvtec", "headct"} and (table["num_seeds"] == 2).all()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}

    table = reproduce(root, SMALL, out=tmp_path, seeds=2)
    assert set(table["set"]) == set(SPECS) and set(table["protocol"]) == {"strict", "official"}
    assert all(path.stat().st_mtime_ns == time for path, time in done.items())
    row = table[(table["set"] == "mvtec") & (table["protocol"] == "strict") & (table["metric"] == "pixel_pro")].iloc[0]
    saved = [json.loads((tmp_path / "results" / f"mvtec-seed{s}.json").read_text()) for s in (0, 1)]
    ours = [one["tables"]["strict"]["mean"]["pixel_pro"] for one in saved]
    assert (
        row["mean"] == pytest.approx(sum(ours) / 2) and row["published"] == pytest.approx(0.874) and row["grade"] == "A"
    )
    assert row["difference"] == pytest.approx(row["mean"] - 0.874)
    assert saved[0]["data"]["fingerprint"] == saved[1]["data"]["fingerprint"]
    assert saved[0]["weights"] != saved[1]["weights"] and saved[0]["versions"]["torch"]
    by_mvtec = json.loads((tmp_path / "results" / "visa-seed0.json").read_text())
    assert saved[0]["training"]["mosaic"] == 0 and by_mvtec["training"]["mosaic"] == 0.4  # as in the paper
    card = json.loads((tmp_path / "train-mvtec-seed0" / "model.json").read_text())["card"]
    assert card["training"] == by_mvtec["training"]
    assert (tmp_path / "difference.png").stat().st_size > 10_000
    assert len(pd.read_csv(tmp_path / "table.csv")) == len(table)

    # Results of another evaluation, CLIP, model or training are not reused.
    for other, key in (
        (replace(SMALL, eval=replace(SMALL.eval, num_samples=3)), "evaluation"),
        (replace(SMALL, clip=SMALL.clip | {"image_size": 40}), "clip"),
        (replace(SMALL, model=ModelConfig(num_prompts=3, num_flows=2)), "model"),
        (replace(SMALL, train=replace(SMALL.train, lr_flow=1e-4)), "training"),
    ):
        with pytest.raises(ValueError, match=f"another {key}; choose another folder"):
            reproduce(root, other, out=tmp_path, seeds=1, only=["mvtec"])


def test_without_a_possible_test_the_error_names_what_is_missing(root, tmp_path, capsys):
    (tmp_path / "mvtec").mkdir()
    assert cli.main(["reproduce", "--data-root", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "VisA is needed" in error and "no folder visa or VisA" in error
    assert cli.main(["reproduce", "--data-root", str(root), "--only", "visa2"]) == 2
    assert "visa2: no such data set" in capsys.readouterr().err


def test_pfl_train_uses_the_same_settings_as_reproduce(root, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "tiny", lambda: SMALL)
    out = tmp_path / "model"
    assert cli.main(["train", "MVTec-AD", "--root", str(root / SPECS["mvtec"].title), "--out", str(out)]) == 0
    assert json.loads((out / "model.json").read_text())["card"]["training"]["mosaic"] == 0.4


def test_every_published_number_has_a_source_and_a_grade():
    table = pd.read_csv(PUBLISHED)
    assert set(table["set"]) <= set(SPECS) and table["value"].between(0, 100).all()
    assert set(table["grade"]) == {"A", "B", "C"}
    assert {word for source in table["source"] for word in source.split() if word[0] == "S"} <= set(SOURCES)


def test_pfl_evaluate_writes_all_settings_and_statistics_over_seeds(root, tmp_path, capsys):
    file = tmp_path / "new" / "one.json"
    options = ["--root", str(root / SPECS["mvtec"].title), "--num-samples", "2", "--csv", str(tmp_path / "t.csv")]
    assert cli.main(["evaluate", "mvtec", *options, "--json", str(file)]) == 0
    saved = json.loads(file.read_text())
    assert saved["evaluation"]["num_samples"] == 2 and saved["clip"]["name"] == "tiny" and saved["stage"] == 1
    assert saved["tables"]["strict"]["bottle"]["image_auroc"] == pd.read_csv(tmp_path / "t.csv")["image_auroc"][0]
    assert len(pd.read_csv(tmp_path / "new" / "one-images.csv")) == saved["data"]["images"]
    assert cli.main(["evaluate", "mvtec", *options, "--json", str(file), "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("std", "low", "high", "pixel_pro"))
    assert {path.name for path in file.parent.glob("*.json")} == {"one.json", "one-seed0.json", "one-seed1.json"}
