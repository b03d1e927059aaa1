"""One picture of your own: its score and map with the name that you give the thing, and a threshold to move."""

import html
import tempfile
from functools import lru_cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import Dropdown, FileUpload, FloatSlider, Layout, Text, VBox
from matplotlib.figure import Figure

from .. import plotting
from ..data import Dataset
from ..data.transforms import bounded, image_tensor, read_image
from ..inspection import rounded
from .explorer import explorer

SIDE = 512  # pixels of a picture that is shown


def picture_figure(
    model, content: bytes, name: str, threshold: float, normal_scores: np.ndarray, seed: int = 0, predict=None
) -> tuple[Figure, str]:
    """A picture, its map, and its score between those of normal images; and the verdict as HTML.

    Args:
        content: of an image file.
        name: what it shows, in a word or two.
        threshold: score from which it counts as defective, in [0, 1].
        normal_scores: (n,) of normal images; may be empty.
        predict: in place of `predict_file(model, content, name, seed)`.
    """
    image, score, std, heat = predict(content, name) if predict else predict_file(model, content, name, seed)
    fig, axes = plt.subplots(1, 3, figsize=(9.5, 2.8), width_ratios=(1, 1, 1.4))
    plotting.show_image(axes[0], image, name)
    plotting.show_image(axes[1], image, f"map: {heat.min():.2f} to {heat.max():.2f}", heat=heat)
    axes[2].plot(normal_scores, np.zeros(len(normal_scores)), "o", color=plotting.NORMAL, alpha=0.5, label="normal")
    axes[2].plot(score, 0, "s", color="black", ms=9, label="this picture")
    axes[2].axvline(threshold, color=plotting.ABNORMAL, label="threshold")
    axes[2].set(xlim=(0, 1), ylim=(-1, 1), yticks=(), xlabel="score")
    axes[2].legend(fontsize="small", ncols=3, loc="upper center", handletextpad=0.2, columnspacing=0.8)
    verdict = "defective" if score >= threshold else "normal"
    text = f"score <b>{score:.3f}</b> ± {std:.3f}: <b>{verdict}</b> at threshold {threshold:.3f}"
    if n := len(normal_scores):
        text += f"; of {n} normal images, <b>{(np.asarray(normal_scores) >= threshold).sum()}</b> would be false alarms"
    return fig, text


def predict_file(model, content: bytes, name: str, seed: int = 0) -> tuple[np.ndarray, float, float, np.ndarray]:
    """The picture in an image file (h, w, 3) in [0, 1], its score, the score's spread, and its map (H, H).

    Raises:
        ValueError: there is no name, or it is too long for a prompt.
        OSError: the file cannot be read as an image.
    """
    if not name.strip():
        raise ValueError("say in a word or two what the picture shows")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "picture")
        file.write_bytes(content)
        try:
            image = read_image(file)
        except OSError as error:
            raise OSError(str(error).replace(str(file), "the picture")) from None
    found = model.predict(torch.stack([image_tensor(image, model.clip.image_size)]), name, num_samples=10, seed=seed)
    (score,), (std,) = rounded(found.score), rounded(found.score_std)
    return np.asarray(bounded(image, SIDE)) / 255, score, std, found.map[0].numpy()


def inspect_picture(model, data: Dataset, threshold: float, normal_scores: np.ndarray, *, seed: int = 0) -> VBox:
    """A picture of a data set or one to upload, the name of what it shows, and the threshold."""
    predict = lru_cache(8)(lambda content, name: predict_file(model, content, name, seed))

    def draw(picture: int, upload: tuple, name: str, threshold: float) -> tuple[Figure, str]:
        file = data[picture].image
        content = bytes(upload[0]["content"]) if upload else file.read_bytes()
        figure, text = picture_figure(model, content, name, threshold, normal_scores, predict=predict)
        return figure, f"{html.escape(upload[0]['name'] if upload else file.name)}: {text}"

    names = [(sample.image.name, k) for k, sample in enumerate(data.samples[:50])]
    choice = Dropdown(description="picture", options=names)
    upload = FileUpload(description="your own picture", accept="image/*", layout=Layout(width="14em"))
    choice.observe(lambda _: setattr(upload, "value", ()), "value")  # the last choice counts
    controls = {
        "picture": choice,
        "upload": upload,
        "name": Text(data[0].class_name, description="it shows a", continuous_update=False),
        "threshold": FloatSlider(
            round(threshold, 3), min=0, max=1, step=0.005, readout_format=".3f", description="threshold"
        ),
    }
    controls["threshold"].continuous_update = False
    return explorer(draw, controls, name="picture")
