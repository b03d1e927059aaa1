"""Weights files are data: their tensors are read, and nothing in them is run."""

import os
import pickle
import zipfile

import pytest
import torch
from torch import nn

from pfl import weights
from pfl.archives import read_tensors

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore::DeprecationWarning")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln = nn.LayerNorm(4)
        self.mask = torch.ones(2)  # neither a parameter nor a buffer, like OpenAI's attn_mask
        self.register_buffer("steps", torch.tensor(3))

    def forward(self, x):
        return self.ln(x) * self.mask.sum() + self.steps


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.resblocks = nn.Sequential(Block(), Block())
        self.proj = nn.Parameter(torch.randn(4, 6).T[1:3])  # of other strides, and an offset
        self.small = nn.Parameter(torch.randn(3).half())

    def forward(self, x):
        return self.resblocks(x) @ self.proj.T + self.small.float().sum()


def archive(path, trace=True):
    net = Net()
    torch.jit.save(torch.jit.trace(net, torch.zeros(2, 4)) if trace else torch.jit.script(net), path)
    return net.state_dict()


@pytest.mark.parametrize("trace", [True, False])
def test_an_archives_tensors_are_those_of_its_state_dict_and_torch_jit_is_not_called(trace, tmp_path, monkeypatch):
    expected = archive(tmp_path / "a.pt", trace)
    assert torch.jit.load(tmp_path / "a.pt").state_dict().keys() == expected.keys()
    monkeypatch.setattr(torch.jit, "load", None)
    monkeypatch.setattr(torch._C, "import_ir_module", None)
    found = read_tensors(tmp_path / "a.pt")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and torch.equal(found[name], value)


def test_other_files_of_tensors_are_read_too(tmp_path):
    state = Net().state_dict()
    torch.save(state, tmp_path / "plain.pt")
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in state.items()}, "epoch": 3}, tmp_path / "b.pt"
    )
    for name in ("plain.pt", "b.pt"):
        found = read_tensors(tmp_path / name)
        assert found.keys() == state.keys() and torch.equal(found["proj"], state["proj"])


# --- what is no data ---


class Attack:
    """Pickled, this calls a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def rewritten(source, target, changes, compress=zipfile.ZIP_STORED):
    """A copy of an archive with other contents of some files, by the end of their names."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compress) as new:
        for info in old.infolist():
            end = next((end for end in changes if info.filename.endswith(end)), None)
            new.writestr(info.filename, old.read(info) if end is None else changes[end](old.read(info)))


def attacks(folder):
    yield Attack(os.system, f"touch {folder}/run")
    yield Attack(eval, f"open({str(folder / 'run')!r}, 'w')")
    yield {"weight": torch.zeros(1), "x": Attack(open, folder / "run", "w")}
    yield Attack(torch.load, folder / "other.pt")
    yield Attack(getattr, "text", "format")


@pytest.mark.parametrize("i", range(5))
@pytest.mark.parametrize("kind", ["script", "torch", "pickle"])
def test_a_pickle_that_calls_a_function_is_refused(i, kind, tmp_path):
    bad = list(attacks(tmp_path))[i]
    file = tmp_path / "bad.pt"
    if kind == "script":
        archive(tmp_path / "a.pt")
        stored = bad if i != 2 else bad["x"]
        rewritten(tmp_path / "a.pt", file, {"/data.pkl": lambda _: pickle.dumps(stored, protocol=2)})
    elif kind == "torch":
        torch.save(bad, file)
    else:
        file.write_bytes(pickle.dumps(bad, protocol=2))
    with pytest.raises(ValueError, match="bad.pt contains no CLIP weights") as caught:
        weights.read(file)
    assert not (tmp_path / "run").exists() and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["builtins eval", "os system", "torch load", "torch.jit load", "torch.serialization _load", "__torch_ x"]
)
def test_a_script_archive_may_name_nothing_but_tensors_and_modules(name, tmp_path):
    archive(tmp_path / "a.pt")
    module, function = name.split()
    rewritten(tmp_path / "a.pt", tmp_path / "bad.pt", {"/data.pkl": lambda _: f"c{module}\n{function}\n.".encode()})
    with pytest.raises(pickle.UnpicklingError, match=f"it names {module}.{function}, which is no tensor"):
        read_tensors(tmp_path / "bad.pt")


def test_the_code_of_an_archive_is_not_run(tmp_path):
    expected = archive(tmp_path / "a.pt")
    run = f"open({str(tmp_path / 'run')!r}, 'w')\n".encode()
    rewritten(tmp_path / "a.pt", tmp_path / "b.pt", {".py": lambda code: run + code})
    assert read_tensors(tmp_path / "b.pt").keys() == expected.keys() and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "size, stride, offset", [((1000,), (1,), 0), ((10**9,), (0,), 0), ((2, 2), (1, 1), 90), ((2,), (-1,), 1)]
)
def test_a_tensor_outside_of_its_stored_values_is_refused(size, stride, offset):
    from pfl import archives

    with pytest.raises((ValueError, RuntimeError)):
        archives._rebuilt(torch.zeros(4), offset, size, stride, False, None)


def test_broken_archives_give_one_line(tmp_path):
    archive(tmp_path / "a.pt")
    whole = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    rewritten(tmp_path / "a.pt", tmp_path / "short.pt", {"/data/0": lambda data: data[:4]})
    rewritten(tmp_path / "a.pt", tmp_path / "packed.pt", {}, zipfile.ZIP_DEFLATED)
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"a": 1}, tmp_path / "none.pt")
    torch.save({"state_dict": {1: torch.zeros(1)}}, tmp_path / "number.pt")
    (tmp_path / "picture.pt").write_bytes(b"\x89PNG")
    state = Net().state_dict() | {"proj": torch.tensor([1.0, torch.inf])}
    torch.save(state, tmp_path / "infinite.pt")
    for name in ("cut", "short", "packed", "list", "none", "number", "picture", "infinite"):
        with pytest.raises(ValueError, match=f"{name}.pt .*download it again") as caught:
            weights.read(tmp_path / f"{name}.pt")
        assert "\n" not in str(caught.value) and "weights_only" not in str(caught.value)
