"""Bayes-PFL: the whole forward pass, from a frozen CLIP's features to logits, and prediction."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import tower
from .attention import CrossModalAttention, PatchFusion
from .clip import FrozenCLIP
from .config import EvalConfig, ModelConfig, Precision
from .distributions import ImageAgnostic, ImageSpecific, InferenceNetwork, Noise, Samples, draw_noise
from .losses import upsample
from .prediction import Prediction, summarise
from .prompts import PromptBank, Words, name_per_image
from .ranges import check, check_finite, checked_images, of_type

# Values of upsampled maps that a prediction holds at once: 16 MB on a CPU, where more would leave its cache, and 256 MB
# on a GPU, where each operation costs more than its values.
MAP_VALUES = {"cpu": 2**22, "cuda": 2**26}


@dataclass(frozen=True, kw_only=True)
class Output:
    """Everything a forward pass computes. An axis of size 2 is (normal, abnormal)."""

    context: Samples  # one distribution per image; zeros if ISD is off
    states: Samples  # two distributions; zeros if IAD is off
    text: Tensor  # (b, 2, R, B, D) unit length; flatten(1, 3) gives the order of the reference
    image_logits: Tensor  # (b, 2, R, B)
    map_logits: Tensor  # (b, L, 2, R, B, g, g) on the patch grid

    @property
    def map_evidence(self) -> Tensor:
        """Abnormal minus normal logit (b, L, R, B, g, g). Interpolation is linear, so only it is upsampled."""
        return self.map_logits[:, :, 1] - self.map_logits[:, :, 0]


@dataclass(frozen=True, kw_only=True)
class PromptSamples:
    """Prompts drawn from the distributions, for analysis.

    context, states: the samples before and after the flow (zeros where switched off).
    context_vectors (b, R, B, P, D) and state_vectors (2, R, B, Q, D): the bank plus the samples.
    text (b, 2BR, D): unit embeddings, ordered by state (normal first), then sample, then prompt of the bank;
    `text.unflatten(1, (2, R, B))` separates them.
    """

    context: Samples
    states: Samples
    context_vectors: Tensor
    state_vectors: Tensor
    text: Tensor


class BayesPFL(nn.Module):
    """Bayesian prompt flow learning (Qu et al., CVPR 2025) on top of a frozen CLIP.

    Args:
        clip: not part of the parameters or the state dict.
        config: sizes and switches.
        seed: fixes the initial weights.
    """

    clip: FrozenCLIP

    def __init__(self, clip: FrozenCLIP, config: ModelConfig | None = None, *, seed: int = 0):
        super().__init__()
        check(seed=seed)
        self.__dict__["clip"] = clip  # bypasses nn.Module, which would register it as a submodule
        self.config = config = of_type("config", ModelConfig() if config is None else config, ModelConfig)
        self.initial = f"seed {seed}"  # what its weights were before training: a seed, or the checksum of a file
        self.stage = 1  # which image head predicts: 1 uses x directly, 2 maps and fuses it
        self.card: dict = {}  # metadata, such as how it was trained
        width, dim, num_layers = clip.width, clip.dim, len(clip.feature_layers)
        options = dict(
            dim=dim,
            hidden=width // 2,
            num_flows=config.num_flows if config.flow else 0,
            base_variance=config.base_variance,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.prompts = PromptBank(
                dim=dim, num_prompts=config.num_prompts, context_len=config.context_len, state_len=config.state_len
            )
            self.isd = ImageSpecific(**options) if config.isd else None
            self.iad = ImageAgnostic(**options, flow_init=config.flow_init) if config.iad else None
            self.attention = CrossModalAttention(
                width=width, dim=dim, num_layers=num_layers, heads=config.heads, residual_attention=config.rca
            )
            self.class_mapping = nn.Linear(dim, dim)
            self.image_mapping = nn.Linear(dim, dim)
            self.fusion = PatchFusion(width=width, dim=dim, num_layers=num_layers)
            self.temperature_image, self.temperature_pixel = (
                nn.Parameter(torch.tensor(1 / 0.07).log()) for _ in range(2)
            )
            self.apply(_initialise)
        self.to(clip.device)

    # --- the forward pass ---

    def features(self, images: Tensor | np.ndarray) -> tuple[Tensor, list[Tensor]]:
        """Images (b, 3, H, H) in [0, 1] -> the frozen features x (b, D) and L tensors F_l (b, N, W)."""
        return self.clip.encode_image(self.clip.normalise(checked_images(images)))

    def forward(
        self,
        x: Tensor,
        patches: list[Tensor],
        class_names: list[str] | Words,
        noise: Noise,
        max_prompts_per_pass: int | None = None,
    ) -> Output:
        """Frozen features of b images and noise of R samples -> everything the losses and predictions need."""
        context, states = self.sample(x, noise)
        text = self.text_embeddings(context, states, class_names, max_prompts_per_pass)
        return Output(
            context=context,
            states=states,
            text=text,
            image_logits=self.image_logits(x, patches, text),
            map_logits=self.map_logits(patches, text),
        )

    def sample(self, x: Tensor, noise: Noise) -> tuple[Samples, Samples]:
        """Transform the noise into samples for the context of each image, given x (b, D), and for the two states."""
        with torch.autocast(x.device.type, enabled=False):  # cheap, and too inaccurate in half precision
            noise = noise.to(self.temperature_image)
            context = self.isd(x.to(noise.context), noise.context) if self.isd else Samples.point(noise.context)
            states = self.iad(noise.states) if self.iad else Samples.point(noise.states)
        return context, states

    def text_embeddings(
        self, context: Samples, states: Samples, class_names: list[str] | Words, max_prompts_per_pass: int | None = None
    ) -> Tensor:
        """Build the prompts from the samples and encode them: unit embeddings t (b, 2, R, B, D)."""
        clip = self.clip
        vectors, endings, eos = self.prompts(clip, context.zk, states.zk, class_names)
        whole = vectors.flatten(0, 2), endings.flatten(0, 2), eos.view(-1, 1, 1).expand(vectors.shape[:3]).flatten()
        if max_prompts_per_pass:
            parts = list(zip(*(one.split(max(1, max_prompts_per_pass // 2)) for one in whole), strict=True))
        else:  # a slice, too, so that gradients are contiguous and sums over them round alike
            parts = [tuple(one.narrow(0, 0, one.shape[0]) for one in whole)]
        text = torch.cat([tower.encode(clip.text, clip.sos, a, b, c, run=clip.run_blocks) for a, b, c in parts])
        return F.normalize(text.to(context.zk), dim=-1).unflatten(0, vectors.shape[:3]).permute(0, 3, 1, 2, 4)

    def image_logits(self, x: Tensor, patches: list[Tensor], text: Tensor) -> Tensor:
        """Logits (b, 2, R, B) of the whole image for each prompt, by the head of the current stage (section 3.4)."""
        with self.clip.autocast():
            if self.stage == 2:
                x = self.image_mapping(x + self.fusion(patches))
            prompts, images = F.normalize(self.class_mapping(text), dim=-1), F.normalize(x, dim=-1)
            return self.temperature_image.exp() * (prompts * images.view(x.shape[0], 1, 1, 1, -1)).sum(dim=-1)

    def map_logits(self, patches: list[Tensor], text: Tensor) -> Tensor:
        """Logits (b, L, 2, R, B, g, g) of each patch of each layer for each prompt (section 3.3)."""
        with self.clip.autocast():
            keys, attended = self.attention(patches, text.flatten(1, 3))
            logits = (self.temperature_pixel.exp() * attended @ keys.mT).transpose(0, 1)  # (b, L, 2RB, N)
        return logits.unflatten(2, text.shape[1:4]).unflatten(-1, (self.clip.grid, self.clip.grid))

    # --- prediction ---

    @torch.no_grad()
    def predict(
        self,
        images: Tensor | np.ndarray,
        class_names: list[str] | str,
        *,
        num_samples: int = 10,
        seed: int = 0,
        noise: Noise | None = None,
        smoothing: float = EvalConfig.smoothing,
        top_fraction: float = EvalConfig.top_fraction,
        max_prompts_per_pass: int | None = None,
        precision: Precision = "fp32",
    ) -> Prediction:
        """Score and localise anomalies with R sampled prompts.

        The seed determines the state samples and one context noise, both shared by all images, so the result of an
        image does not depend on its batch.

        Args:
            images: (b, 3, H, H) in [0, 1].
            class_names: b names of the objects shown, or one for all.
            num_samples: R.
            noise: used instead of `num_samples` and `seed`.
            smoothing: sd of a Gaussian filter over the map, as a fraction of the image side; 0 for none.
            top_fraction: fraction of the map's pixels that makes half of the image score.
            max_prompts_per_pass: limits the memory; it does not change the result. Default: 512 on a CPU, and what half
                of the free memory of a GPU allows.
            precision: of CLIP and of the attention; flows, maps and scores stay in float32. A CLIP that was loaded in
                another one is copied once (`FrozenCLIP.to_precision`).

        Raises:
            ValueError: images of another shape, type or range (`ranges.checked_images`), or an argument out of range.
        """
        images = checked_images(images)
        check(num_samples=num_samples, seed=seed, smoothing=smoothing, top_fraction=top_fraction)
        check(max_prompts_per_pass=max_prompts_per_pass)
        model = self.in_precision(precision)
        class_names = name_per_image(class_names, len(images))
        noise = noise or draw_noise(self.clip.dim, num_samples, torch.Generator().manual_seed(seed))
        of_type("noise", noise, Noise)
        per_image = 2 * noise.states.shape[1] * self.config.num_prompts
        most = max_prompts_per_pass or self._prompts_per_pass(noise.states.shape[1])
        step = max(1, most // per_image)
        parts = []
        for i in range(0, len(images), step):
            part = slice(i, i + step)
            context = noise.context if len(noise.context) == 1 else noise.context[part]
            x, patches = model.features(images[part])
            output = model(x, patches, class_names[part], Noise(context=context, states=noise.states), most)
            logits = output.image_logits.float()
            text = torch.sigmoid(logits[:, 1] - logits[:, 0])  # (b, R, B)
            maps = self.sample_maps(output.map_evidence.float())
            parts.append(summarise(text, maps, smoothing=smoothing * self.clip.image_size, top_fraction=top_fraction))
        return check_finite(Prediction.cat(parts), class_names, precision)

    def _prompts_per_pass(self, samples: int, free: int | None = None) -> int:
        """Prompts to run at once: 512 on a CPU; on a GPU those of as many images as half of its free bytes can hold."""
        clip, device = self.clip, self.clip.device
        if device.type == "cuda":
            cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
            free = torch.cuda.mem_get_info(device)[0] + cached
        if free is None:
            return 512
        prompts = 2 * samples * self.config.num_prompts
        # float32 values per image, roughly and from above: of the image tower, the text tower (12 tokens) and the maps.
        values = 16 * clip.grid**2 * clip.width + 16 * 12 * clip.dim * prompts + 4 * samples * clip.image_size**2
        return prompts * max(1, free // 2 // (4 * values))

    def sample_maps(self, evidence: Tensor) -> Iterator[Tensor]:
        """Evidence (b, L, R, B, g, g) -> each prompt's abnormal probabilities (b, r, B, H, H), for r samples at a time.

        They are averaged over layers. A softmax over two logits is the sigmoid of their difference, so only the
        difference is upsampled. At most MAP_VALUES are upsampled at once, or those of one sample if they are more.
        """
        b, layers, _, prompts = evidence.shape[:4]
        most = MAP_VALUES["cuda" if evidence.is_cuda else "cpu"]
        for part in evidence.split(max(1, most // (b * layers * prompts * self.clip.image_size**2)), dim=2):
            yield upsample(part, self.clip.image_size).sigmoid_().mean(dim=1)

    @torch.no_grad()
    def sample_prompts(
        self,
        images: Tensor,
        class_names: list[str] | str,
        *,
        num_samples: int = 10,
        seed: int = 0,
        noise: Noise | None = None,
    ) -> PromptSamples:
        """Return the prompts that `predict` draws, for images (b, 3, H, H) in [0, 1] or their embeddings x (b, D)."""
        check(num_samples=num_samples, seed=seed)
        x = images.to(self.clip.mean) if images.ndim == 2 else self.features(checked_images(images))[0]
        noise = noise or draw_noise(self.clip.dim, num_samples, torch.Generator().manual_seed(seed))
        context, states = self.sample(x, noise)
        text = self.text_embeddings(context, states, name_per_image(class_names, len(x)), max_prompts_per_pass=512)
        context_vectors = self.prompts.context + context.zk[:, :, None, None]
        return PromptSamples(
            context=context,
            states=states,
            context_vectors=context_vectors.expand(len(x), -1, -1, -1, -1),
            state_vectors=self.prompts.states[:, None] + states.zk[:, :, None, None],
            text=text.flatten(1, 3),
        )

    # --- device and precision ---

    def in_precision(self, precision: Precision) -> "BayesPFL":
        """This model, with the same learned parameters, on its CLIP stored in another precision."""
        clip, model = self.clip.to_precision(precision), copy.copy(self)
        model.__dict__["clip"] = clip
        return model

    def _apply(self, fn, recurse: bool = True) -> "BayesPFL":
        self.clip._apply(fn)  # moves the CLIP, too, which is not a submodule
        return super()._apply(fn, recurse)


def _initialise(module: nn.Module) -> None:
    """Initialise linear layers from N(0, 0.02) with zero bias; then what starts otherwise: base variances, and queries.

    The query of the cross-modal attention starts as PyTorch starts it (uniform within 1 / sqrt(D)): the reference has a
    convolution there, which its initialisation of linear layers leaves out.
    """
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, InferenceNetwork):
        module.reset_parameters()
    if isinstance(module, CrossModalAttention) and module.query is not None:
        module.query.reset_parameters()
