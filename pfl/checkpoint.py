"""Save and load a model (a folder of safetensors and readable JSON), and import checkpoints of the reference."""

import hashlib
import json
import re
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor

from .archives import load_saved, named_tensors
from .clip import FrozenCLIP, load_clip
from .config import ModelConfig, Precision
from .data.files import read_json
from .data.writing import check_free, write, write_json
from .messages import first_words
from .model import BayesPFL
from .parallel import check_device
from .ranges import of_type
from .weights import is_file_name

WEIGHTS, CARD = "weights.safetensors", "model.json"
DEFAULT = Path(__file__).parent / "assets" / "default"
CLIP_ARGUMENTS = ("name", "pretrained", "activation", "image_size", "feature_layers")
IDENTITY = ("fingerprint", "activation", "feature_layers")  # must match to load a model; the image size may differ


def save(model: BayesPFL, path: str | Path, *, card: dict | None = None) -> Path:
    """Save a model to the folder `path`: its learned weights, and JSON with its configuration, stage and CLIP.

    The CLIP's own weights are not saved. Each file is written atomically; a saved model is overwritten.

    Args:
        card: metadata to store with the model, such as how it was trained; default: `model.card`.

    Raises:
        ValueError, FileExistsError: the folder has files of these names that are no saved model.
    """
    path = Path(path)
    if (path / CARD).exists():
        _description(path / CARD)
    else:
        check_free(path, WEIGHTS)
    return write_model(model, path, card)


def write_model(model: BayesPFL, path: Path, card: dict | None = None) -> Path:
    """Write the files of `save`; JSON last, as the mark of a complete model."""
    weights = to_bytes({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()})
    description = {
        "model": asdict(model.config),
        "stage": model.stage,
        "clip": model.clip.identity,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "card": model.card if card is None else card,
    }
    write(path / WEIGHTS, weights)
    write_json(path / CARD, description | {"sha256": _checksum(description)})
    return path


def load(
    path: str | Path,
    clip: FrozenCLIP | None = None,
    *,
    device: str | torch.device | None = None,
    precision: Precision = "fp32",
    trust: bool = False,
) -> BayesPFL:
    """Load a model that `save` wrote; its predictions are bit for bit those of the saved model.

    Args:
        path: the folder, or "default" for the model that ships with the package.
        clip: default: the one named in the folder. It may have another image size, but not other weights.
        device: default: that of `clip`, or the CPU.
        precision: to load the folder's CLIP in (`load_clip`).
        trust: whether to load any CLIP that the folder names, be it a file anywhere or a name of open_clip or a hub,
            which may be downloaded. By default only a shipped one or one in the folder: the folder may be a stranger's.

    Raises:
        FileNotFoundError: the folder, a file in it, or the CLIP's weights are missing.
        ValueError: the weights do not match the JSON, have NaN, or `clip` is not the one it was trained with; or the
            folder names a CLIP elsewhere and is not trusted.
    """
    shipped = str(of_type("path", path, str, Path)) == "default"
    if device is not None:
        check_device(str(device))
    path = DEFAULT if shipped else Path(path)
    for file in (path / CARD, path / WEIGHTS):
        if not file.is_file():
            remedy = "reinstall the package" if shipped else "pass a folder that pfl.save or pfl.train wrote"
            raise FileNotFoundError(f"{file} not found; {remedy}")
    description, weights = _description(path / CARD), (path / WEIGHTS).read_bytes()
    if hashlib.sha256(weights).hexdigest() != description["weights_sha256"]:
        raise ValueError(f"{path / WEIGHTS} does not match its checksum in {path / CARD}; save the model again")
    identity = description["clip"]
    if clip is None:
        try:
            clip = load_clip(**_clip_arguments(path, identity, trust), device=device or "cpu", precision=precision)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; or load the CLIP of {path} yourself and pass it as clip=") from error
    for key in IDENTITY:
        if clip.identity[key] != identity[key]:
            raise ValueError(
                f"{path} was trained with another CLIP: {key} {_short(identity[key])}, "
                f"not {_short(clip.identity[key])}; load {identity['name']} with the settings in {path / CARD}"
            )
    try:
        model = BayesPFL(clip, ModelConfig(**description["model"]))
        state = from_bytes(weights)
        model.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"{path} holds no model of this version ({first_words(error)}); train it again") from error
    _check_weights(path / WEIGHTS, state)
    if description.get("sha256", _checksum(description)) != _checksum(description):  # older folders have none
        raise ValueError(f"{path / CARD} has changed since it was written; restore it, or save the model again")
    model.stage, model.card = description["stage"], description.get("card") or {}
    model.initial = description["weights_sha256"]
    return model.to(device or clip.device)


def _description(file: Path) -> dict:
    """The content of model.json. Raises ValueError if it is another one."""
    found = read_json(file)
    parts = {"model": dict, "clip": dict, "stage": int, "weights_sha256": str}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in parts.items()):
        raise ValueError(f"{file} does not describe a model; pass a folder that pfl.save or pfl.train wrote")
    if missing := {*CLIP_ARGUMENTS, "fingerprint"} - set(found["clip"]):
        raise ValueError(f"{file} has no {sorted(missing)[0]} of its CLIP; save the model again")
    if isinstance(found["stage"], bool) or found["stage"] not in (1, 2):
        raise ValueError(f"{file}: stage is {found['stage']}; it must be 1 or 2")
    return found


def _checksum(description: dict) -> str:
    """SHA-256 of what changes a model's numbers; the CLIP's name and file may be replaced by others of its weights."""
    parts = {name: description[name] for name in ("model", "stage", "weights_sha256")}
    parts |= {name: description["clip"][name] for name in (*IDENTITY, "image_size")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _clip_arguments(path: Path, identity: dict, trust: bool) -> dict:
    """The arguments of `load_clip` in a folder's JSON. Without trust, none may name anything outside of the folder."""
    arguments = {name: identity[name] for name in CLIP_ARGUMENTS}
    if trust or (arguments["name"] in ("tiny", "tiny-random") and arguments["pretrained"] is None):
        return arguments
    remedy = "load it yourself and pass it as clip=, or, if the folder is your own, pass trust=True (--trust-model)"
    for key in ("pretrained", "name"):
        value = arguments[key]
        if isinstance(value, str) and is_file_name(value):
            file = (path / value).resolve()
            if Path(value).is_absolute() or not file.is_relative_to(path.resolve()):
                raise ValueError(f"{path / CARD} names a CLIP outside of its folder, {value}; {remedy}")
            arguments[key] = str(file)
        elif key == "pretrained" or not isinstance(value, str) or ":" in value:
            if not (value is None and is_file_name(str(arguments["name"]))):
                raise ValueError(f"{path / CARD} names the CLIP {identity['name']} {value}, a download; {remedy}")
    return arguments


def _check_weights(file: Path, state: dict[str, Tensor]) -> None:
    for name, value in state.items():
        if not value.is_floating_point():
            raise ValueError(f"{file} has weights of type {value.dtype}, in {name}; train the model again")
        if not value.isfinite().all():
            raise ValueError(f"{file} has weights that are NaN or infinite, in {name}; train the model again")


def _short(value) -> str:
    return value[:12] if isinstance(value, str) else str(value)


# --- checkpoints of the reference ---

# The reference stores its inference networks a second time inside each flow, and never uses decoders and p_mu.
UNUSED = re.compile(r"(context_decoder|state_decoder|PFL_(context|normal|abnormal)\.(encoder|decoder|p_mu))\.")


def load_reference(path: str | Path, clip: FrozenCLIP, *, stage: int | None = None) -> BayesPFL:
    """Import a checkpoint of the public reference implementation, `torch.save({"MyModel": state_dict})`.

    Args:
        path: a .pth file of either stage.
        clip: the CLIP it was trained with; the reference runs OpenAI's weights with activation="gelu".
        stage: 1 or 2. Default: from the file name, which ends in _1.pth or _2.pth, or is a published one.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: parameters are missing or unknown, or their sizes are those of another CLIP.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {path} not found; check the path")
    if stage not in (None, 1, 2):
        raise ValueError(f"stage {stage} is unknown; choose 1 or 2")
    if clip.activation != "gelu":
        warnings.warn(f'the reference was trained with activation="gelu", not {clip.activation!r}', stacklevel=2)
    try:
        checkpoint = load_saved(path)
    except ValueError as error:
        raise ValueError(f"{path} cannot be read ({error}); pass a file that torch.save wrote") from error
    found = named_tensors(checkpoint.get("MyModel")) if isinstance(checkpoint, dict) else {}
    if not found or len(found) < len(checkpoint["MyModel"]):
        raise ValueError(f'{path} has no entry "MyModel" of named tensors; pass a checkpoint of the reference')
    theirs = {name: value for name, value in found.items() if not UNUSED.match(name)}
    try:
        num_prompts, context_len, dim = theirs["prompt_context"].shape
        state_len, num_flows = theirs["prompt_state_normal"].shape[1], theirs["PFL_normal.amor_u"].shape[1]
        ours = _our_state_dict(theirs)
        config = ModelConfig(num_prompts=num_prompts, context_len=context_len, state_len=state_len, num_flows=num_flows)
    except KeyError as error:
        raise ValueError(f"{path} has no {error}; pass a complete checkpoint of the reference") from error
    except (IndexError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} has parameters of other shapes ({first_words(error)}); pass a checkpoint of the reference"
        ) from error
    if dim != clip.dim:
        raise ValueError(f"{path} was trained with another CLIP: D = {dim}, not {clip.dim}; load that CLIP")
    if theirs:
        names = ", ".join(sorted(theirs)[:3])
        raise ValueError(f"{path} has unknown parameters ({names} ...); pass a checkpoint of the reference")
    model = BayesPFL(clip, config)
    try:
        model.load_state_dict(ours)
    except RuntimeError as error:
        detail = first_words(error)
        raise ValueError(f"{path} does not fit {clip.name} ({detail}); load the CLIP it was trained with") from error
    _check_weights(path, ours)
    model.stage = stage or _stage_of(path)
    return model


def _stage_of(path: Path) -> int:
    """The stage in a file name; of the two published checkpoints, train_visa... and train_mvtec..., it is 2."""
    if path.stem.startswith(("train_visa", "train_mvtec")) and "epoch_post" not in path.stem:
        return 2
    named = re.search(r"_([12])$", path.stem)
    if named is None:
        raise ValueError(f"{path.name} does not end in _1.pth or _2.pth; pass stage=1 or stage=2 (--stage)")
    return int(named[1])


def _our_state_dict(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the reference's tensors under our names and in our shapes, and remove them from `theirs`."""
    take = theirs.pop
    states = ("normal", "abnormal")

    def both(name: str) -> list[Tensor]:
        return [take(name.format(state)) for state in states]

    ours = {
        "prompts.context": take("prompt_context"),
        "prompts.states": torch.stack(both("prompt_state_{}")),
        "temperature_image": take("temperature_image"),
        "temperature_pixel": take("temperature_pixel"),
        "iad.state": torch.cat(both("PFL_{}.state")),
        "iad.u": torch.cat(both("PFL_{}.amor_u")).squeeze(-1),
        "iad.w": torch.cat(both("PFL_{}.amor_w")).squeeze(-2),
        "iad.c": torch.cat(both("PFL_{}.amor_b")).flatten(1),
        "attention.query.weight": take("RCA.q_proj_pre.weight").squeeze(-1),  # a convolution of kernel 1
        "attention.query.bias": take("RCA.q_proj_pre.bias"),
    }
    for name in [name for name in theirs if name.startswith("RCA.linear_proj.")]:
        ours[name.replace("RCA.linear_proj", "attention.project")] = take(name)
    layers = {
        "class_mapping": "class_mapping",
        "image_mapping": "image_mapping",
        "fusion.fuse": "fuse.fuse_modules",
        "fusion.weigh": "fuse.compress",
        "fusion.project": "fuse.post_process",
        "isd.u": "PFL_context.amor_u",
        "isd.w": "PFL_context.amor_w",
        "isd.c": "PFL_context.amor_b",
    }
    for ours_inference, theirs_encoder in (("isd", "context_encoder"), ("iad", "state_encoder")):
        for i in (0, 2, 4):
            layers[f"{ours_inference}.inference.mean.{i}"] = f"{theirs_encoder}.weight_mean.module.{i}"
            layers[f"{ours_inference}.inference.log_variance.{i}"] = f"{theirs_encoder}.weight_log_variance.module.{i}"
    for our_name, their_name in layers.items():
        for kind in ("weight", "bias"):
            ours[f"{our_name}.{kind}"] = take(f"{their_name}.{kind}")
    return ours
