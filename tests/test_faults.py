"""A kill at any write loses nothing, and every error of the command line is one line without a traceback."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import pfl
from pfl import cli, commands, inspection, training
from pfl.data import Dataset, Sample, writing

CONFIG = pfl.TrainConfig(epochs=2, stage2_epochs=1)
fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the process under test is a fork of this one")


def counted(function, calls, at):
    """The function, which kills the process if this is the at-th call of all."""

    def call(*args, **options):
        if next(calls) == at:
            os._exit(9)
        return function(*args, **options)

    return call


def killed_at(at: int, work) -> bool:
    """Whether a process that does the work is killed at its at-th call that writes; otherwise it finishes the work."""

    def process():
        calls = iter(range(10_000))
        for name in ("fsync", "replace", "getpid"):  # a file's name has the process's number: before it is opened
            setattr(writing.os, name, counted(getattr(os, name), calls, at))
        work()
        os._exit(0)

    one = multiprocessing.get_context("fork").Process(target=process)
    one.start()
    one.join(60)
    assert one.exitcode in (0, 9)
    return one.exitcode == 9


@pytest.fixture
def epochs(monkeypatch):
    """Epochs that take no time: they add to one parameter, by an amount that says which they are."""

    def epoch(model, data, config, optimizer, epoch, *_):
        with torch.no_grad():
            model.temperature_image += 0.1 * model.stage + 0.01 * epoch
        return {"stage": model.stage, "epoch": epoch + 1, "loss": model.temperature_image.item()}

    monkeypatch.setattr(training, "_train_epoch", epoch)


@fork
def test_after_a_kill_at_any_write_a_training_ends_with_the_same_files(clip, tiles, tmp_path, epochs):
    def run(out):
        model = pfl.BayesPFL(clip, pfl.ModelConfig(num_prompts=1, num_flows=1))
        return pfl.train(model, tiles, CONFIG, out=out, progress=False)

    def files(out):
        return {path.name: path.read_bytes() for path in out.iterdir() if path.name != "progress.pt"}

    run(tmp_path / "whole")
    for at in range(1000):
        out = tmp_path / str(at)
        if not killed_at(at, lambda: run(out)):  # noqa: B023
            break
        rows = run(out).history
        assert files(out) == files(tmp_path / "whole"), f"killed at {at}"
        history = torch.load(out / "progress.pt", weights_only=True)["state"]["history"]
        assert rows.to_dict("records") == history
        assert files(out)["history.csv"] == rows.to_csv(index=False).encode()
    assert at > 24  # three epochs of two files, and two of the model, have three calls and more each


@fork
def test_after_a_kill_at_any_write_a_prediction_ends_with_the_same_files(model, tmp_path):
    samples = []
    for i in range(3):
        path = tmp_path / "in" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(i).integers(0, 255, (8, 8, 3), np.uint8)).save(path)
        samples.append(Sample(image=path, category="c", class_name="c", label=None))
    data = Dataset(name="in", samples=samples)

    def run(out):
        inspection.inspect(model, data, out, num_samples=1, resume=True, progress=False)

    def files(out):
        return sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file())

    run(tmp_path / "whole")
    for at in range(1000):
        out = tmp_path / str(at)
        if not killed_at(at, lambda: run(out)):  # noqa: B023
            break
        run(out)
        assert files(out) == files(tmp_path / "whole"), f"killed at {at}"
        tables = [pd.read_csv(one / "results.csv") for one in (out, tmp_path / "whole")]
        pd.testing.assert_frame_equal(*tables)  # a smaller batch rounds differently
    assert at > 15


def one_line(capsys, argv, status=2) -> str:
    """The message of a command that fails."""
    try:
        assert cli.main([str(one) for one in argv]) == status
    except SystemExit as end:
        assert end.code == status
    said = capsys.readouterr()
    assert said.err.startswith("pfl") and said.err.count("\n") == 1 and "[Errno" not in said.err, said.err
    return said.err


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (KeyboardInterrupt(), "interrupted", 130),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "/a/b: no space left", 2),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "/a/b: no permission", 2),
        (FileExistsError(errno.EEXIST, "File exists", "/a/b"), "/a/b: is a file, where a folder is needed", 2),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "the reader of the output has gone", 2),
        (MemoryError(), "out of memory", 2),
        (torch.OutOfMemoryError("CUDA out of memory. Tried"), "out of memory", 2),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory:\nyou tried"), "out of memory", 2),
        (ValueError("a\nb"), "a b", 2),
        (KeyError("weights"), "unexpected KeyError: 'weights'; `pfl --debug COMMAND ...` shows where", 2),
        (AssertionError(), "unexpected AssertionError: no message", 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_is_one_line(monkeypatch, capsys, error, said, status):
    def fails(args):
        raise error

    monkeypatch.setattr(commands, "where", fails)
    assert said in one_line(capsys, ["data", "where", "mvtec"], status)
    assert cli.main(["--debug", "data", "where", "mvtec"]) == status
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_one_line():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "pfl", "data", "where", "mvtec"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "the reader of the output" in done.stderr


def test_what_the_user_gave_wrong_is_named_with_a_remedy(model, tiles, tmp_path, capsys, monkeypatch, epochs):
    images, saved, file, out = tmp_path / "images", tmp_path / "model", tmp_path / "file", tmp_path / "out"
    images.mkdir()
    Image.new("RGB", (8, 8)).save(images / "a.png")
    file.write_text("{")
    pfl.save(model, saved)
    predict = ["predict", images, "--model", saved, "--num-samples", 1]
    for device in ("mps", "cuda:9", "cuda:-1", "meta", "gpu"):
        assert device in one_line(capsys, [*predict, "--device", device])
    assert f"{file}: is a file" in one_line(capsys, [*predict, "--out", file])
    assert f"{file}: is a file" in one_line(capsys, ["train", "workshop", "--out", file])
    for option in ("--csv", "--json"):
        assert f"{tmp_path}: is a folder" in one_line(capsys, ["evaluate", "workshop", option, tmp_path])

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing.os, "fsync", full)
        assert "progress.jsonl: no space left" in one_line(capsys, [*predict, "--out", out])
        with pytest.raises(OSError, match="progress.pt"):
            pfl.train(model, tiles, CONFIG, out=tmp_path / "run", progress=False)
    assert not list(tmp_path.rglob("*.part"))


def test_a_file_that_no_run_wrote_is_not_overwritten(model, tiles, tmp_path, capsys, epochs):
    """The user's own files stay as they are, where a command would write one of the same name."""
    images, saved = tmp_path / "images", pfl.save(model, tmp_path / "model")
    images.mkdir()
    Image.new("RGB", (8, 8)).save(images / "a.png")
    mine = ["results.csv", "results-1.csv", "report.html", "heatmaps/a.png.png", "history.csv", "weights.safetensors"]
    mine += ["x.json", "y.json", "z-images.csv", "table.csv"]
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"mine": 1}')
        out, csv, json_ = tmp_path / "o", tmp_path / "t.csv", tmp_path / f"{name[0]}.json"
        out.mkdir(exist_ok=True)
        if "/" in name:
            (out / "heatmaps").mkdir()
        (tmp_path / name).replace(out / name)
        predict = ["predict", images, "--model", saved, "--num-samples", 1, "--out", out]
        if name.startswith("re") or "/" in name:
            assert f"holds {name}, but no run to resume" in one_line(capsys, predict)
        elif name in mine[4:6]:
            with pytest.raises(FileExistsError, match=f"holds {name}, but no run"):
                pfl.train(model, tiles, CONFIG, out=out, progress=False)
        elif name != "table.csv":
            wrong = ["--json", out / json_.name, "--csv", csv]
            assert "is another file than this command writes" in one_line(capsys, ["evaluate", "workshop", *wrong])
        assert (out / name).read_text() == '{"mine": 1}' and not (out / "progress.jsonl").exists()
        (out / name).unlink()
    evaluate = ["evaluate", "workshop"]
    assert "a.png does not end in .csv" in one_line(capsys, [*evaluate, "--csv", images / "a.png"])
    assert "a.png does not end in .json" in one_line(capsys, ["bench", "--json", images / "a.png"])
    assert "which --json writes" in one_line(
        capsys, [*evaluate, "--csv", tmp_path / "r-images.csv", "--json", tmp_path / "r.json"]
    )
    for command in (["predict", images, "--out", ""], ["train", "workshop", "--out", ""]):
        assert "argument --out: the name is empty" in one_line(capsys, command)
    pfl.save(model, saved)  # a saved model is overwritten, other files of these names are not
    (saved / "model.json").write_text('{"mine": 1}')
    with pytest.raises(ValueError, match="model.json does not describe a model"):
        pfl.save(model, saved)
    (saved / "model.json").unlink()
    with pytest.raises(FileExistsError, match="holds weights.safetensors, but no run"):
        pfl.save(model, saved)


def test_a_damaged_file_is_named_with_a_remedy(clip, tiles, tmp_path, epochs):
    def run():
        pfl.train(pfl.BayesPFL(clip, pfl.ModelConfig(num_flows=1)), tiles, CONFIG, out=tmp_path, progress=False)

    run()
    whole = (tmp_path / "progress.pt").read_bytes()
    for damaged in (b"", b"text", whole[: len(whole) // 2], whole.replace(b"history", b"hixtory")):
        (tmp_path / "progress.pt").write_bytes(damaged)
        with pytest.raises(ValueError, match="progress.pt is damaged .*; choose another folder, or delete this one"):
            run()
    log = tmp_path / "progress.jsonl"
    settings, row = json.dumps({"a": 1}), json.dumps({"name": "x", "error": "y"})
    from pfl.shards import Log

    for lines in ("text", f"{{\n{row}", f"{settings}\n5", f'{settings}\n{{"name": "x"}}', "[]", "\0\0"):
        log.write_text(lines)
        with pytest.raises(ValueError, match="progress.jsonl is damaged in line .; restore it"):
            Log(tmp_path, {"a": 1}, resume=True)
    log.write_text(f"{settings}\n{row[:9]}\n\0\0\n{row}")
    assert Log(tmp_path, {"a": 1}, resume=True).read() == {0: {"x": json.loads(row)}}
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ValueError, match="model.json is not valid JSON"):
        pfl.load(tmp_path)


def test_leftovers_of_ended_processes_are_removed_and_those_of_running_ones_kept(tmp_path):
    (tmp_path / "sub").mkdir()
    names = {
        f".pfl-{writing.HOST}-{os.getpid()}-00000000.part": False,  # of an earlier process with this number
        f".pfl-{writing.HOST}-{os.getppid()}-00000000.part": True,
        f"sub/.pfl-{writing.HOST}-999999999-00000000.part": False,
        ".pfl-00000000-1-00000000.part": True,  # of another machine, today
        "mine.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    writing.remove_leftovers(tmp_path)
    assert {name: (tmp_path / name).exists() for name in names} == names
    os.utime(tmp_path / ".pfl-00000000-1-00000000.part", (0, 0))
    writing.remove_leftovers(tmp_path)
    assert not (tmp_path / ".pfl-00000000-1-00000000.part").exists()
