"""The prompt bank: learned context and state vectors, combined with a class name into prompts."""

import open_clip
import torch
from torch import Tensor, nn

from .caching import cached
from .clip import FrozenCLIP
from .data.samples import class_text
from .ranges import check_names, list_of_names

Words = tuple[Tensor, Tensor]  # class names embedded: tokens (b, T, D) without SOS, and the position of each EOS (b,)

# Handwritten prompts for the two states: WinCLIP's compositional ensemble (Jeong et al. 2023, appendix).
NORMAL_WORDS = (
    "{}",
    "flawless {}",
    "perfect {}",
    "unblemished {}",
    "{} without flaw",
    "{} without defect",
    "{} without damage",
)
ABNORMAL_WORDS = ("damaged {}", "{} with flaw", "{} with defect", "{} with damage")
TEMPLATES = (
    "a cropped photo of the {}.",
    "a cropped photo of a {}.",
    "a close-up photo of a {}.",
    "a close-up photo of the {}.",
    "a bright photo of a {}.",
    "a bright photo of the {}.",
    "a dark photo of the {}.",
    "a dark photo of a {}.",
    "a jpeg corrupted photo of a {}.",
    "a jpeg corrupted photo of the {}.",
    "a blurry photo of the {}.",
    "a blurry photo of a {}.",
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of a small {}.",
    "a photo of the small {}.",
    "a photo of a large {}.",
    "a photo of the large {}.",
    "a photo of the {} for visual inspection.",
    "a photo of a {} for visual inspection.",
    "a photo of the {} for anomaly detection.",
    "a photo of a {} for anomaly detection.",
)


def handwritten(name: str) -> tuple[list[str], list[str]]:
    """Normal and abnormal sentences for a class: every template with every wording."""
    normal, abnormal = (
        [t.format(words.format(class_text(name))) for words in state for t in TEMPLATES]
        for state in (NORMAL_WORDS, ABNORMAL_WORDS)
    )
    return normal, abnormal


def name_per_image(class_names: list[str] | str, batch: int) -> list[str]:
    """One class name per image of a batch; a single name is used for all."""
    names = [class_names] * batch if isinstance(class_names, str) else list_of_names(class_names)
    if len(names) != batch:
        raise ValueError(f"{len(names)} class names for {batch} images; pass one for each, or one for all")
    return names


@cached(maxsize=256)
def name_tokens(
    class_names: tuple[str, ...], learned: int, context_length: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Token ids (b, T) of class names, without SOS and up to the last EOS, and the position of EOS in each (b,).

    Raises:
        ValueError: a name is empty, or too long for a prompt with so many learned tokens.
    """
    ids = open_clip.tokenize([class_text(name) for name in class_names], context_length)[:, 1:]
    check_names(class_names, ids)
    eos = ids.argmax(dim=1)
    if 1 + learned + eos.max() >= context_length:
        longest = class_names[int(eos.argmax())][:40]
        raise ValueError(f"class name {longest!r} makes a prompt of more than {context_length} tokens; shorten it")
    return ids[:, : eos.max() + 1].to(device), eos.to(device)


class PromptBank(nn.Module):
    """B prompts, each with P context vectors and, for each state, Q state vectors (paper section 3.1).

    context (B, P, D) is initialised around 0; states (2, B, Q, D), normal and abnormal, around +0.5 and -0.5.
    """

    def __init__(self, *, dim: int, num_prompts: int, context_len: int, state_len: int):
        super().__init__()
        self.context = nn.Parameter(torch.empty(num_prompts, context_len, dim))
        self.states = nn.Parameter(torch.empty(2, num_prompts, state_len, dim))
        nn.init.trunc_normal_(self.context, mean=0.0, std=0.02)
        for state, mean in zip(self.states.data, (0.5, -0.5), strict=True):
            nn.init.trunc_normal_(state, mean=mean, std=0.02)

    def forward(
        self, clip: FrozenCLIP, z_context: Tensor, z_states: Tensor, class_names: list[str] | Words
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Assemble `[context + z] * P [state + z] * Q [class name] [EOS]`, returned in parts that prompts share.

        One context sample is added to all P vectors of all prompts, one state sample to all Q.

        Args:
            z_context: (b, R, D), or (1, R, D).
            z_states: (2, R, D), normal and abnormal.
            class_names: b names, as `class_text` takes them, or embedded.

        Returns:
            context (b, R, B, P, D), the same for both states; endings (b, R, B, 2, T, D), states and names, up to the
            last EOS; and the position of EOS in the endings (b,). SOS, which comes first, is the same in all prompts.
        """
        if isinstance(class_names, list):
            learned = self.context.shape[1] + self.states.shape[2]
            ids, eos = name_tokens(tuple(class_names), learned, clip.context_length, clip.device)
            class_names = clip.token_embedding(ids), eos
        words, eos = class_names
        context = self.context + z_context[:, :, None, None]  # (b, R, B, P, D)
        states = (self.states[:, None] + z_states[:, :, None, None]).permute(1, 2, 0, 3, 4)  # (R, B, 2, Q, D)
        shape = (words.shape[0], *states.shape[:3])
        parts = (states[None], words[:, None, None, None])
        endings = torch.cat([part.expand(*shape, *part.shape[-2:]) for part in parts], dim=-2)
        return context.expand(shape[0], -1, -1, -1, -1), endings, eos + self.states.shape[2]
