"""Export a model as one file that needs neither pfl nor training code: ONNX, or PyTorch's .pt2.

The file computes what `BayesPFL.predict` computes for given noise. Its inputs, for any number of images b, of samples
R and, up to 77 - P - Q, of tokens T:

    image          (b, 3, H, H) float32, RGB in [0, 1], not normalised
    tokens         (b, T) int64, class names as CLIP's tokenizer returns them: SOS, words, EOS, then any padding of 0
    context_noise  (b, R, D) float32, standard normal; `predict` takes the same for all images
    state_noise    (2, R, D) float32, standard normal: normal, abnormal

and its outputs: score (b,) and score_std (b,), map and map_std (b, H, H), as in `Prediction`.
"""

import io
import json
import warnings
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import __version__
from .clip import MEAN, SD, fingerprint
from .config import EvalConfig
from .data.samples import class_text
from .data.writing import check_target, write
from .distributions import Noise, draw_noise
from .losses import upsample
from .model import BayesPFL
from .prediction import summarise
from .prompts import name_tokens
from .ranges import list_of_names, of_type

Weights = Literal["float32", "float16", "int8"]
INPUTS, OUTPUTS = ("image", "tokens", "context_noise", "state_noise"), ("score", "score_std", "map", "map_std")
OPSET = 18  # of ONNX; onnxruntime-web has all of it
ONNX_START = "\x08\x0a\x12\x03pfl"  # the first bytes of our ONNX files: version 10 of the format, and the producer
CARD = "pfl.json"  # name of the card: the key in ONNX's metadata, the extra file in .pt2
SMALLEST = 1024  # values of a tensor that is stored as float16 or int8; smaller ones stay float32
LARGEST = 2**31 - 1  # bytes of an ONNX file


def export(
    model: BayesPFL, path: str | Path, *, weights: Weights = "float32", names: Sequence[str] | None = None
) -> Path:
    """Write a model as one file, .onnx or .pt2 (`torch.export`); an earlier export of this name is overwritten.

    Args:
        weights: how an .onnx file stores them. "float16" and "int8" (matrices; convolutions as float16) are expanded to
            float32 when it is loaded: they make the file smaller, not faster.
        names: the only class names that the file takes, which leaves the other rows of the token embedding out; one
            with another word is an error of the runtime. Default: any name.

    Raises:
        ValueError: the file has another extension, a name is invalid, the model is not in float32 on the CPU, or the
            ONNX file would be larger than 2 GB.
        FileExistsError: the file exists and is no export of ours.
        ModuleNotFoundError: the packages of the extra "export" are not installed.
    """
    path, model = Path(path), of_type("model", model, BayesPFL).in_precision("fp32")
    check_export(path, weights)
    if model.clip.device.type != "cpu":
        raise ValueError(f"the model is on {model.clip.device}; move it with model.to('cpu') to export it")
    graph, card = Graph(model, None if names is None else known_tokens(model, names)), describe(model, names, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters warn of their own parts
        program = trace(graph)
        content = to_pt2(program, card) if path.suffix == ".pt2" else packed(to_onnx(program), card, weights)
    write(path, content)
    return path


def check_export(path: Path, weights: str = "float32") -> None:
    """Raise the errors of `export` that need no model."""
    if path.suffix not in (".onnx", ".pt2"):
        raise ValueError(f"{path} ends neither in .onnx nor in .pt2; give the file such a name")
    if weights not in get_args(Weights):
        raise ValueError(f"weights {weights!r} is unknown; choose one of {', '.join(get_args(Weights))}")
    if path.suffix == ".pt2" and weights != "float32":
        raise ValueError(f"a .pt2 file has its weights in float32, not in {weights}; export an .onnx file")
    if path.suffix == ".onnx" and not all(map(find_spec, ("onnx", "onnxscript"))):
        raise ModuleNotFoundError("to write .onnx, install onnx and onnxscript: pip install 'bayes-pfl[export]'")
    check_target(path, path.suffix, ONNX_START if path.suffix == ".onnx" else "")
    if path.suffix == ".pt2" and path.exists() and not _has_card(path):
        raise FileExistsError(f"{path} is another file than this command writes; choose another name")


def _has_card(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(f"extra/{CARD}") for name in archive.namelist())


class Graph(nn.Module):
    """What the file computes: tensors in, tensors out, all checks left out (they depend on values).

    Args:
        known: ids of the tokens that it takes (n,), or None for all.
    """

    known: Tensor | None
    rows: Tensor

    def __init__(self, model: BayesPFL, known: Tensor | None = None):
        super().__init__()
        self.model, self.clip = model, model.clip  # a model does not register its CLIP
        self.register_buffer("known", known)
        if known is not None:
            self.register_buffer("rows", model.clip.token_embedding(known))

    def forward(
        self, image: Tensor, tokens: Tensor, context_noise: Tensor, state_noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`INPUTS` -> `OUTPUTS`."""
        clip, ids = self.clip, tokens[:, 1:]
        x, patches = clip._encode(clip.normalise(image))  # without the memory
        noise = Noise(context=context_noise, states=state_noise)
        output = self.model(x, patches, (self.embed(ids), ids.argmax(dim=1)), noise)
        text = torch.sigmoid(output.image_logits[:, 1] - output.image_logits[:, 0])
        maps = upsample(output.map_evidence, clip.image_size).sigmoid().mean(dim=1)
        smoothing, fraction = EvalConfig.smoothing * clip.image_size, EvalConfig.top_fraction
        found = summarise(text, [maps], smoothing=smoothing, top_fraction=fraction)
        return found.score, found.score_std, found.map, found.map_std

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (b, T) -> embeddings (b, T, D); an id that is not known has an index out of range."""
        if self.known is None:
            return self.clip.token_embedding(ids)
        same = ids[..., None] == self.known
        return F.embedding(torch.where(same.any(dim=-1), same.int().argmax(dim=-1), len(self.known)), self.rows)


def known_tokens(model: BayesPFL, names: Sequence[str]) -> Tensor:
    """Ids of the tokens of class names, and of the padding (n,)."""
    if isinstance(names, str) or not len(names):
        raise ValueError(f"names are {names!r}; pass a list of class names, at least one")
    ids, _ = name_tokens(tuple(list_of_names(names)), _learned(model), model.clip.context_length, model.clip.device)
    return torch.cat([ids.flatten(), ids.new_zeros(1)]).unique()


def _learned(model: BayesPFL) -> int:
    return model.config.context_len + model.config.state_len


@torch.no_grad()
def trace(graph: Graph) -> torch.export.ExportedProgram:
    """The graph as a program for any number of images, tokens and samples."""
    clip, most = graph.clip, graph.clip.context_length - _learned(graph.model)
    noise = draw_noise(clip.dim, 3, torch.Generator().manual_seed(0), batch=2)  # sizes of the example: all different
    example = torch.zeros(2, 3, clip.image_size, clip.image_size), clip.tokenize(["", ""])[:, :4]
    batch, samples = torch.export.Dim("batch"), torch.export.Dim("samples")
    tokens = torch.export.Dim("tokens", min=3, max=most)
    shapes = {0: batch}, {0: batch, 1: tokens}, {0: batch, 1: samples}, {1: samples}
    arguments = (*example, noise.context, noise.states)
    return torch.export.export(graph.eval(), arguments, dynamic_shapes=shapes, strict=False)


def to_pt2(program: torch.export.ExportedProgram, card: dict) -> bytes:
    """A program as the content of a .pt2 file, with the card as an extra file."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={CARD: json.dumps(card)})
    return buffer.getvalue()


def to_onnx(program: torch.export.ExportedProgram) -> Any:
    """A program as onnx.ModelProto, with weights in float32."""
    exported = torch.onnx.export(
        program, dynamo=True, opset_version=OPSET, input_names=INPUTS, output_names=OUTPUTS, verbose=False
    )
    assert exported is not None
    return exported.model_proto


def packed(model: Any, card: dict, weights: Weights) -> bytes:
    """An onnx.ModelProto as the content of a file, with weights of this format and the card as metadata."""
    from onnx import helper

    if weights != "float32":
        compress(model.graph, weights)
    del model.graph.value_info[:]  # the runtime infers them
    for node in model.graph.node:
        del node.metadata_props[:]  # where the node is in the source code
    model.producer_name, model.producer_version, model.ir_version = "pfl", __version__, 10
    helper.set_model_props(model, {CARD: json.dumps(card)})
    if model.ByteSize() > LARGEST:
        raise ValueError(f"an ONNX file of {weights} weights would be larger than 2 GB; choose float16 or int8")
    return model.SerializeToString(deterministic=True)


def compress(graph: Any, weights: Weights) -> None:
    """Store the large weights of an ONNX graph in fewer bits, with nodes that expand them to float32.

    "int8" applies to matrices; convolutions, which are few and need more bits, are stored as float16.
    """
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    tensors, nodes = [], []
    for tensor in graph.initializer:
        values, name = numpy_helper.to_array(tensor), tensor.name
        if values.dtype != np.float32 or values.size < SMALLEST:
            tensors.append(tensor)
            continue
        small, scale = values.astype(np.float16), None
        if weights == "int8" and values.ndim == 2 and not _averages(values):
            small, scale = quantise(values)
        stored, cast = f"{name}_stored", name if scale is None else f"{name}_whole"
        tensors.append(numpy_helper.from_array(small, stored))
        nodes.append(helper.make_node("Cast", [stored], [cast], to=TensorProto.FLOAT))
        if scale is not None:
            tensors.append(numpy_helper.from_array(scale, f"{name}_scale"))
            nodes.append(helper.make_node("Mul", [cast, f"{name}_scale"], [name]))
    nodes += graph.node
    for field, content in ((graph.initializer, tensors), (graph.node, nodes)):
        copies = [type(one).FromString(one.SerializeToString()) for one in content]
        del field[:]
        field.extend(copies)


def _averages(matrix: Any) -> bool:
    """Whether rows or columns sum to 1: the matrices of upsampling and smoothing, whose errors the map shows."""
    return any(abs(matrix.sum(axis=axis) - 1).max() < 1e-3 for axis in (-1, -2))


def quantise(matrix: Any) -> tuple[Any, Any]:
    """A matrix as int8 and a scale per row or per column, whichever has the smaller squared error."""
    import numpy as np

    candidates = []
    for axis in (0, 1):
        scale = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), 1e-30) / 127
        whole = np.rint(matrix / scale)
        error = float(((whole * scale - matrix) ** 2).sum())
        candidates.append((error, axis, whole.astype(np.int8), scale.astype(np.float32)))
    return min(candidates, key=lambda one: one[:2])[2:]


def describe(model: BayesPFL, names: Sequence[str] | None, weights: Weights) -> dict:
    """The card that travels in the file: how to use it, and what is in it."""
    clip = model.clip
    stem = "; the stem of its CLIP, EfficientNet-Lite0, Apache-2.0" if clip.name.startswith("tiny") else ""
    return {
        "pfl": __version__,
        "licence": model.card.get("licence", f"pfl and the learned weights: MIT{stem or '; the CLIP: its own'}"),
        "fingerprint": {"model": fingerprint(model.state_dict()), "clip": clip.fingerprint},
        "clip": {name: value for name, value in clip.identity.items() if name != "fingerprint"},
        "stage": model.stage,
        "weights": weights,
        "image": f"(b, 3, {clip.image_size}, {clip.image_size}) float32, RGB, pixels / 255, in [0, 1]",
        "normalisation": {"inside": True, "mean": MEAN, "sd": SD},
        "tokens": f"(b, T) int64 from CLIP's tokenizer, SOS to EOS, at most {clip.context_length - _learned(model)}",
        "names": "any" if names is None else [class_text(name) for name in names],
        "states": ["normal", "abnormal"],
        "context_noise": f"(b, R, {clip.dim}) float32, N(0, 1); pfl.predict takes the same for all images",
        "state_noise": f"(2, R, {clip.dim}) float32, N(0, 1); shared by all images",
        "score, score_std": "(b,) probability of a defect, and its sd over the R samples",
        "map, map_std": f"(b, {clip.image_size}, {clip.image_size}) the same for each pixel",
        "card": model.card,
    }
