"""Bayesian Prompt Flow Learning for zero-shot anomaly detection (Bayes-PFL, CVPR 2025).

Axis letters, the same throughout the package:

    b  images in a batch            L  feature layers of CLIP (four)
    N  patches of an image          W  width of the image tower
    D  width of text and embedding  T  tokens of a prompt
    B  prompts in the bank          R  Monte-Carlo samples
    P  context vectors of a prompt  Q  state vectors of a prompt
    K  steps of a flow              H  side of an image in pixels
    g  side of the patch grid       n  any number
"""

from . import compat, data  # noqa: F401  # compat comes first: it lets torchvision be imported
from .checkpoint import load, load_reference, save
from .clip import FrozenCLIP, load_clip
from .config import EvalConfig, ModelConfig, Preset, TrainConfig, preset
from .evaluation import evaluate
from .features import FeatureFolder
from .model import BayesPFL
from .prediction import Prediction
from .training import Run, train

__version__ = "0.1.0"

__all__ = [
    "BayesPFL",
    "EvalConfig",
    "FeatureFolder",
    "FrozenCLIP",
    "ModelConfig",
    "Prediction",
    "Preset",
    "Run",
    "TrainConfig",
    "data",
    "evaluate",
    "load",
    "load_clip",
    "load_reference",
    "preset",
    "save",
    "train",
]
