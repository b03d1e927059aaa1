"""The paper's experiment end to end, on miniatures of all fifteen sets."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from fifteen import FOLDERS, build_fifteen, yes_no

from pfl import cli, config, preset
from pfl.clip import load_clip
from pfl.comparison import PUBLISHED, SOURCES, compare, summary
from pfl.config import ModelConfig, TrainConfig
from pfl.data import SPECS
from pfl.reproduce import auxiliary_for, describe, reproduce, survey

CLIP = {"name": "tiny-random", "image_size": 32}
SMALL = replace(
    preset("tiny"),
    clip=CLIP,
    model=ModelConfig(num_prompts=2, num_flows=2),
    train=TrainConfig(epochs=1, stage2_epochs=1, batch_size=4),
    eval=replace(preset("tiny").eval, num_samples=2),
)
REFERENCE = replace(
    preset("reference"),
    clip=CLIP,
    train=replace(preset("reference").train, epochs=2, stage2_epochs=2, max_epochs=3),
    eval=replace(preset("reference").eval, num_samples=2),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    build_fifteen(root)
    (root / "thesis").mkdir()
    return root


@pytest.fixture(autouse=True)
def small_presets(monkeypatch):
    monkeypatch.setitem(config.PRESETS, "tiny", lambda: SMALL)
    monkeypatch.setitem(config.PRESETS, "reference", lambda: REFERENCE)


def test_all_fifteen_are_found_and_only_visa_is_tested_after_training_on_mvtec(root):
    plan = survey(root, accept_incomplete=True)
    assert set(plan.tests) == set(SPECS) and not plan.missing
    assert {name for name in SPECS if auxiliary_for(name) == "mvtec"} == {"visa"}
    printed = str(plan)
    assert all(f"found    {name:9} {FOLDERS[name] or '.'} " in printed for name in SPECS)
    assert "incomplete, accepted: wrong count: bottle: expected 20 normal + 63 anomalous, found 2 + 4" in printed
    assert printed.endswith("\n  not used: thesis")  # ISIC's two folders, directly in root, are used


def test_incomplete_copies_are_refused_with_the_difference_and_those_asked_for_stop_the_run(root, tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match="headct: HeadCT, paper part: wrong count: expected 100 normal"):
        survey(root)
    (tmp_path / "VisA_20220922").symlink_to(root / "VisA_20220922")
    with pytest.raises(
        FileNotFoundError, match="(?s)a test is not possible.*VisA, paper part: missing categories: fryum"
    ):
        survey(tmp_path)
    yes_no(tmp_path / "Br35H", 98, 155)
    yes_no(tmp_path / "archive", 5, 6)
    error = "br35h: Br35H, paper part: wrong count: expected 1500 normal .* found 98 .* looks like BrainMRI"
    with pytest.raises(FileNotFoundError, match=error):
        survey(tmp_path, only=["br35h"])
    with pytest.raises(FileNotFoundError, match="a test on brainmri is not possible"):
        survey(tmp_path, only=["brainmri", "br35h"], accept_incomplete=True)
    plan = survey(tmp_path, accept_incomplete=True)
    assert plan.tests == ("br35h",) and "no folder MVTec-AD" in plan.missing["mvtec"]
    assert "not used: archive" in str(plan)
    for command in ("train", "evaluate"):
        arguments = [command, "mvtec", "--root", str(root / FOLDERS["mvtec"])]
        assert cli.main([*arguments, *["--out", str(tmp_path / "model")] * (command == "train")]) == 2
        assert "MVTec-AD, paper part: missing categories: cable, " in capsys.readouterr().err


def test_copies_give_a_table_with_published_numbers_and_finished_work_is_not_repeated(root, tmp_path, capsys):
    again = {"out": tmp_path, "accept_incomplete": True}
    table = reproduce(root, SMALL, seeds=2, only=["mvtec", "headct"], **again)
    printed = capsys.readouterr().out
    assert "train on visa" in printed and "test on  headct" in printed and " min" in printed
    assert set(table["set"]) == {"mvtec", "headct"} and (table["num_seeds"] == 2).all()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}

    table = reproduce(root, SMALL, seeds=2, **again)
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
    assert saved[0]["data"]["notes"][0].startswith("missing categories: cable, ")  # that it was accepted is recorded
    assert saved[0]["trained_on"]["notes"][0].startswith("missing categories: fryum, ")
    assert row["notes"].startswith("trained on an incomplete copy of visa; missing categories: cable, ") and row[
        "notes"
    ].endswith("; and 4 more")
    assert saved[0]["weights"] != saved[1]["weights"] and saved[0]["versions"]["torch"]
    by_mvtec = json.loads((tmp_path / "results" / "visa-seed0.json").read_text())
    assert saved[0]["training"]["mosaic"] == 0 and by_mvtec["training"]["mosaic"] == 0.4  # as in the paper
    card = json.loads((tmp_path / "train-mvtec-seed0" / "model.json").read_text())["card"]
    assert card["training"] == by_mvtec["training"] and card["notes"] == saved[0]["data"]["notes"]
    assert (tmp_path / "difference.png").stat().st_size > 10_000
    assert len(pd.read_csv(tmp_path / "table.csv")) == len(table)

    # Results of another evaluation, CLIP, model or training are not reused.
    for other, key in (
        (replace(SMALL, eval=replace(SMALL.eval, num_samples=3)), "evaluation"),
        (replace(SMALL, clip=SMALL.clip | {"image_size": 40}), "clip"),
        (replace(SMALL, model=ModelConfig(num_prompts=3, num_flows=2)), "model"),
        (replace(SMALL, train=replace(SMALL.train, lr_flow=1e-4)), "training"),
    ):
        with pytest.raises(ValueError, match=f"another {key}.*; choose another folder"):
            reproduce(root, other, seeds=1, only=["mvtec"], **again)
    file = tmp_path / "results" / "mvtec-seed0.json"
    file.write_text(json.dumps(saved[0] | {"trained_on": saved[0]["trained_on"] | {"fingerprint": "another VisA's"}}))
    with pytest.raises(ValueError, match="another trained_on.*; choose another folder"):
        reproduce(root, SMALL, seeds=1, only=["mvtec"], **again)


def test_without_a_possible_test_the_error_names_what_is_missing(root, tmp_path, capsys):
    (tmp_path / "mvtec").mkdir()
    assert cli.main(["reproduce", "--data-root", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "training needs VisA" in error and "no folder VisA, VisA_20220922 or 1cls under" in error
    assert cli.main(["reproduce", "--data-root", str(root), "--only", "visa2"]) == 2
    assert "visa2: no such data set" in capsys.readouterr().err


def test_pfl_train_uses_the_same_settings_as_reproduce(root, tmp_path):
    out = tmp_path / "model"
    arguments = ["train", "MVTec-AD", "--root", str(root / FOLDERS["mvtec"]), "--out", str(out), "--accept-incomplete"]
    assert cli.main([*arguments, "--epochs", "2", "--stage2-epochs", "0"]) == 0
    card = json.loads((out / "model.json").read_text())["card"]
    assert (card["training"]["mosaic"], card["training"]["epochs"], card["training"]["stage2_epochs"]) == (0.4, 2, 0)


def run(root, out, *options):
    arguments = ["--preset", "reference", "--data-root", str(root), "--out", str(out), "--accept-incomplete"]
    return cli.main(["reproduce", *arguments, *options])


@pytest.mark.parametrize(
    "options, training",
    [
        (["--select-on-target"], {"selection": "target", "epochs": 2, "stage2_epochs": 2, "max_epochs": 3}),
        (
            ["--epochs", "1", "--stage2-epochs", "1"],
            {"selection": "fixed", "epochs": 1, "stage2_epochs": 1, "max_epochs": None},
        ),
    ],
    ids=["selected on the target", "fixed epochs"],
)
def test_the_reference_preset_runs_on_all_fifteen_sets(options, training, root, tmp_path, capsys):
    assert run(root, tmp_path, "--seeds", "1", *options) == 0
    printed = capsys.readouterr().out
    assert printed.index("found    kvasir") < printed.index("test on  kvasir") < printed.index("difference")
    results = [json.loads(file.read_text()) for file in (tmp_path / "results").glob("*.json")]
    assert {one["data"]["name"] for one in results} == set(SPECS)
    for one in results:
        assert training.items() <= one["training"].items()
        assert one["evaluation"]["protocol"] == "official" and one["training"]["kl"] == "reference"
        selected = one["selected_on"] and one["selected_on"]["name"]  # on the set that is not trained on
        assert selected == (
            {"visa": "mvtec", "mvtec": "visa"}[one["trained_on"]["name"]] if len(options) == 1 else None
        )
    assert {one["data"]["name"] for one in results if one["trained_on"]["name"] == "mvtec"} == {"visa"}


def test_the_reference_preset_is_refused_unless_its_epochs_are_selected_or_fixed(root, tmp_path, capsys):
    for options, message in (
        ([], "ask for it with --select-on-target, or fix --epochs and --stage2-epochs"),
        (["--epochs", "1"], "ask for it with --select-on-target, or fix --epochs and --stage2-epochs"),
        (["--epochs", "1", "--select-on-target"], "--select-on-target chooses the epochs that --epochs and"),
        (["--preset", "tiny", "--select-on-target"], "--select-on-target is for a preset that selects on the target"),
    ):
        assert run(root, tmp_path / "new", *options) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    (tmp_path / "visa").symlink_to(root / FOLDERS["visa"])
    (tmp_path / "HeadCT").symlink_to(root / FOLDERS["headct"])
    options = {"accept_incomplete": True, "only": ["headct"]}
    assert survey(tmp_path, **options).tests == ("headct",)
    with pytest.raises(FileNotFoundError, match="(?s)a test on headct is not possible.*mvtec: no folder MVTec-AD"):
        survey(tmp_path, select_on_target=True, **options)


def test_the_estimate_counts_the_epochs_that_can_run(root, monkeypatch):
    monkeypatch.setattr("pfl.reproduce.step_seconds", lambda *_: 60.0)
    monkeypatch.setattr("pfl.reproduce.image_seconds", lambda *_: 0.0)
    plan = survey(root, ["headct"], accept_incomplete=True, select_on_target=True)
    assert len(plan.found["visa"]) <= 32  # a step an epoch
    text = describe(plan, load_clip(**CLIP), REFERENCE, seeds=2)
    assert f"train on visa      {len(plan.found['visa']):6} images      6.0 min at most" in text  # 3 epochs, 2 seeds


def test_the_final_table_has_a_line_per_set_and_metric(capsys):
    def seeds(*values):
        columns = ("image_auroc", "image_ap", "image_f1", "pixel_auroc", "pixel_ap", "pixel_f1", "pixel_pro")
        return {k: pd.DataFrame([dict.fromkeys(columns, v)], index=["mean"]) for k, v in enumerate(values)}

    tables = {("mvtec", "strict"): seeds(0.8, 0.9), ("mvtec", "official"): seeds(0.9, 0.94)}
    tables |= {("headct", protocol): seeds(0.5) for protocol in ("strict", "official")}
    text = summary(compare(tables, {"headct": "wrong count: ..."}))
    lines = [line.split() for line in text.splitlines()]
    assert lines[1] == ["set", "metric", "strict", "official", "published", "difference", "seeds"]
    assert ["mvtec", "pixel_pro", *"0.850 ± 0.071".split(), *"0.920 ± 0.028".split(), "0.874", "+0.046", "2"] in lines
    assert ["headct", "*", "image_auroc", "0.500", "0.500"] in [line[:5] for line in lines]
    assert text.endswith("* headct: wrong count: ...")


def test_every_published_number_has_a_source_and_a_grade():
    table = pd.read_csv(PUBLISHED)
    assert set(table["set"]) <= set(SPECS) and table["value"].between(0, 100).all()
    assert set(table["grade"]) == {"A", "B", "C"}
    assert {word for source in table["source"] for word in source.split() if word[0] == "S"} <= set(SOURCES)


def test_pfl_evaluate_writes_all_settings_and_statistics_over_seeds(root, tmp_path, capsys):
    file = tmp_path / "new" / "one.json"
    options = ["--root", str(root / FOLDERS["mvtec"]), "--num-samples", "2", "--csv", str(tmp_path / "t.csv")]
    options += ["--accept-incomplete"]
    assert cli.main(["evaluate", "mvtec", *options, "--json", str(file)]) == 0
    saved = json.loads(file.read_text())
    assert (
        saved["data"]["notes"]
        and saved["evaluation"]["num_samples"] == 2
        and saved["clip"]["name"] == "tiny"
        and saved["stage"] == 1
    )
    assert saved["tables"]["strict"]["bottle"]["image_auroc"] == pd.read_csv(tmp_path / "t.csv")["image_auroc"][0]
    assert len(pd.read_csv(tmp_path / "new" / "one-images.csv")) == saved["data"]["images"]
    assert cli.main(["evaluate", "mvtec", *options, "--json", str(file), "--seeds", "2"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("std", "low", "high", "pixel_pro"))
    assert {path.name for path in file.parent.glob("*.json")} == {"one.json", "one-seed0.json", "one-seed1.json"}
    assert cli.main(["evaluate", "mvtec", *options, "--json", str(file), "--num-samples", "1"]) == 2
    assert "a run with another evaluation (num_samples 2, not 1); choose another folder" in capsys.readouterr().err
