"""Two sentences, one for each state, in place of the ensemble: what CLIP makes of a photograph with them."""

import html
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from ipywidgets import Dropdown, Layout, Text, VBox
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score
from torch import Tensor

from .. import plotting
from ..baselines import HandwrittenPrompts
from ..clip import FrozenCLIP
from ..data import Dataset, class_text, loader
from . import pictures
from .explorer import explorer


class Sentences(HandwrittenPrompts):
    """The baseline with one sentence for each state; {} stands for the class name."""

    def __init__(self, clip: FrozenCLIP, normal: str, abnormal: str):
        super().__init__(clip)
        if not normal.strip() or not abnormal.strip():
            raise ValueError("write two sentences, one for the normal and one for the abnormal state")
        self.sentences = (normal, abnormal)

    def directions(self, name: str) -> Tensor:
        """Unit vectors (2, D) of the two sentences about a class."""
        texts = [sentence.replace("{}", class_text(name)) for sentence in self.sentences]
        return F.normalize(self.clip.encode_text(texts), dim=-1).to(self.clip.mean)

    def probabilities(self, x: Tensor, name: str) -> np.ndarray:
        """Abnormal probability (n,) of images of one class, given their embeddings x (n, D)."""
        return torch.sigmoid(self.evidence(x[None], self.directions(name)[None])[0]).numpy(force=True)


def encode(clip: FrozenCLIP, data: Dataset) -> Tensor:
    """Embeddings (n, D) of a data set's images."""
    batches = loader(data, clip.image_size, 32)
    return torch.cat([clip.encode_image(clip.normalise(batch.images.to(clip.device)))[0] for batch in batches])


def sentence_figure(
    clip: FrozenCLIP, data: Dataset, x: Tensor, index: int, normal: str, abnormal: str
) -> tuple[Figure, str]:
    """An image, its map, and the scores of all images of its category; and the numbers as HTML.

    Args:
        data: images of one category.
        x: their embeddings (n, D), of `encode`.
        index: of the image in `data`.
    """
    sample, prompts = data[index], Sentences(clip, normal, abnormal)
    p, labels = prompts.probabilities(x, sample.class_name), np.array([s.label for s in data.samples])
    batch = next(iter(loader(data.subset(keep=sample.__eq__), clip.image_size, 1)))
    heat = prompts.predict(batch.images.to(clip.device), batch.class_names).map[0].numpy()
    auroc = roc_auc_score(labels, p)
    fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), width_ratios=(1, 1, 1.5))
    pictures.show(axes[0], sample, f"{sample.category}, {pictures.state(sample)}")
    pictures.show(axes[1], sample, f"map: {heat.min():.2f} to {heat.max():.2f}", heat)
    for label, colour, marker in ((0, plotting.NORMAL, "o"), (1, plotting.ABNORMAL, "^")):
        axes[2].plot(p[labels == label], np.full((labels == label).sum(), label), marker, color=colour, alpha=0.6)
    axes[2].plot(p[index], sample.label, "s", ms=13, mfc="none", mec="black", mew=1.5)
    axes[2].set(xlim=(-0.03, 1.03), ylim=(-0.6, 1.6), yticks=(0, 1), yticklabels=("normal", "defective"))
    axes[2].set(xlabel="p(abnormal)", title=f"all {len(p)} images (square: this one), AUROC {auroc:.2f}")
    return fig, (
        f"p(abnormal) of this photograph ({html.escape(pictures.state(sample))}): <b>{p[index]:.3f}</b>; "
        f"AUROC on the {len(p)} photographs of {html.escape(sample.category)}: <b>{auroc:.3f}</b>"
    )


def try_sentences(clip: FrozenCLIP, data: Dataset) -> VBox:
    """A choice of photographs, one normal and one defective of each category, and two sentences to type."""
    shown = []
    for k, category in enumerate(data.categories):
        normal, defective = ([s for s in data.subset(categories=category).samples if s.label == n] for n in (0, 1))
        shown += [defective[2 * k % len(defective)], normal[0]]  # not the first defect each time
    of = cache(lambda category: data.subset(categories=[category]))
    encoded = cache(lambda category: encode(clip, of(category)))

    def draw(photograph: int, normal: str, abnormal: str) -> tuple[Figure, str]:
        sample = shown[photograph]
        same = of(sample.category)
        return sentence_figure(clip, same, encoded(sample.category), same.samples.index(sample), normal, abnormal)

    wide = Layout(width="28em")
    controls = {
        "photograph": Dropdown(
            description="photograph", options=[(f"{s.category}, {pictures.state(s)}", k) for k, s in enumerate(shown)]
        ),
        "normal": Text("a photo of a flawless {}.", description="normal", continuous_update=False, layout=wide),
        "abnormal": Text("a photo of a damaged {}.", description="abnormal", continuous_update=False, layout=wide),
    }
    return explorer(draw, controls, name="sentences")
