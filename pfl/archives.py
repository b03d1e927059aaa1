"""Read the tensors of a weights file without running what is in it: safetensors, torch.save, or TorchScript.

OpenAI's CLIP files are TorchScript archives: zip files with code, a pickle of the module and the values of its tensors.
torch.jit.load would run the code, and an ordinary unpickler whatever the pickle names. Here the code is not run, only
searched for its lists of parameters, and the pickle may name nothing but tensors and modules, which become empty ones.
"""

import collections
import math
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

DTYPES = {
    f"{name}Storage": dtype
    for name, dtype in {
        "Float": torch.float32, "Half": torch.float16, "BFloat16": torch.bfloat16, "Double": torch.float64,
        "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
}  # fmt: skip
LISTED = re.compile(r"__(?:parameters|buffers)__ = \[([^\]]*)\]")


def read_tensors(file: str | Path) -> dict[str, Tensor]:
    """The tensors of a weights file by name. Raises an exception of any type if it has none or names code."""
    file = Path(file)
    if file.suffix == ".safetensors":
        return load_file(file)
    if _is_script(file):
        return script_tensors(file)
    state = load_saved(file)
    state = state.get("state_dict", state) if isinstance(state, dict) else {}
    tensors = named_tensors(state)
    if not tensors:
        raise ValueError("no tensors in it")
    return tensors


def load_saved(file: str | Path) -> Any:
    """What torch.save wrote, on the CPU: tensors and plain values. Raises ValueError for anything else."""
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # of many types, even KeyError; torch's message recommends to run the file's code
        raise ValueError("it contains more than tensors, or is no file of torch.save") from error


def named_tensors(state: Any) -> dict[str, Tensor]:
    """The tensors of a state dict, by names without the prefix of a parallel wrapper; none, if it is another object."""
    items = state.items() if isinstance(state, dict) else ()
    return {name.removeprefix("module."): v for name, v in items if isinstance(name, str) and isinstance(v, Tensor)}


def _is_script(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def script_tensors(file: str | Path) -> dict[str, Tensor]:
    """Parameters and buffers of a TorchScript archive, by their names in the state dict."""
    with zipfile.ZipFile(file) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist() if "/data/" in info.filename):
            raise ValueError("its tensors are compressed, which torch never does")
        reader = _Reader(archive, next(name for name in archive.namelist() if name.endswith("/data.pkl")))
        return dict(_named_tensors(reader.load(), reader.listed))


class _Reader(pickle.Unpickler):
    """An unpickler that builds tensors and stand-ins for modules, and refuses every other name."""

    def __init__(self, archive: zipfile.ZipFile, name: str):
        super().__init__(archive.open(name))
        self.archive, self.folder = archive, name.removesuffix("data.pkl")
        self.types: dict[tuple[str, str], type] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "__torch__" or module.startswith("__torch__."):
            return self.types.setdefault((module, name), type("Module", (), {"place": (module, name)}))
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
            ("collections", "OrderedDict"): collections.OrderedDict,
            ("torch.jit._pickle", "restore_type_tag"): lambda value, _: value,
        }
        known |= {("torch.jit._pickle", f"build_{kind}list"): lambda value: value for kind in ("int", "double", "bool")}
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is no tensor")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        """The values of a stored tensor; pid is ("storage", dtype, file, device, number of values)."""
        _, dtype, key, _, count = pid
        data = bytearray(self.archive.read(f"{self.folder}data/{int(key)}"))
        if not count:
            return torch.empty(0, dtype=dtype)
        return torch.frombuffer(data, dtype=dtype, count=count)

    def listed(self, module: object) -> set[str]:
        """The parameters and buffers that the archive's code lists for a module."""
        path, name = type(module).place  # type: ignore[attr-defined]
        source = self.archive.read(f"{self.folder}code/{path.replace('.', '/')}.py").decode()
        body = re.search(rf"^class {re.escape(name)}\(Module\):\n((?:[ \n].*\n?)*)", source, re.MULTILINE)
        return {word for names in LISTED.findall(body[1] if body else "") for word in re.findall(r'"([^"]+)"', names)}


def _rebuilt(values: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
    """A tensor of stored values; torch checks that it lies within them."""
    if math.prod(size) > values.numel():
        raise ValueError(f"a tensor of shape {tuple(size)} has only {values.numel()} stored values")
    return values.as_strided(tuple(size), tuple(stride), offset)


def _named_tensors(module: object, listed, prefix: str = "", depth: int = 0):
    if depth > 50:
        raise ValueError("its modules contain each other")
    names = listed(module)
    for name, value in vars(module).items():
        if isinstance(value, Tensor) and name in names:
            yield prefix + name, value
        elif isinstance(type(value).__dict__.get("place"), tuple):
            yield from _named_tensors(value, listed, f"{prefix}{name}.", depth + 1)
