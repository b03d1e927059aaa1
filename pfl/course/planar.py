"""A planar step in two dimensions: what it does to a Gaussian, its log-determinant, and when it folds space."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from ipywidgets import FloatSlider, VBox, Widget
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from ..flows import planar_flow, planar_step
from ..plotting import ABNORMAL, NEUTRAL, NORMAL
from .explorer import explorer

START = {"u1": 1.5, "u2": 0.5, "w1": 1.0, "w2": 0.0, "c": 0.0}
SIDE = 4.0  # of the plane that is shown, from the origin
COLOURS = {"cmap": "cividis", "vmin": -2.0, "vmax": 2.0}  # of the log-determinant


def gaussian(count: int = 2000, *, seed: int = 0) -> Tensor:
    """Standard normal points (count, 2)."""
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def bend(points: Tensor, *, u: Tensor, w: Tensor, c: float) -> tuple[Tensor, pd.Series]:
    """Move points (n, 2) by one planar step of `pfl.flows`.

    Args:
        u, w: (2,).

    Returns:
        the moved points (n, 2), and numbers: product (u.w), mean, lowest and highest log-determinant, and folded, the
        fraction of points at which the determinant is negative.
    """
    bias = torch.tensor(float(c))
    moved, log_det = planar_step(points, u, w, bias)
    determinant = 1 + (1 - torch.tanh(points @ w + bias) ** 2) * (u @ w)
    values = {
        "product": (u @ w).item(),
        "mean": log_det.mean().item(),
        "lowest": log_det.min().item(),
        "highest": log_det.max().item(),
        "folded": (determinant < 0).float().mean().item(),
    }
    return moved, pd.Series(values)


def draw(points: Tensor, *, u1: float, u2: float, w1: float, w2: float, c: float) -> tuple[Figure, str]:
    """The points and a grid before and after a step, and the step along w; and its numbers as HTML."""
    u, w = torch.tensor([u1, u2]), torch.tensor([w1, w2])
    bias = torch.tensor(float(c))
    moved, numbers = bend(points, u=u, w=w, c=c)
    log_det = planar_step(points, u, w, bias)[1]
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.5))
    dots = {"c": log_det, "s": 3, "rasterized": True, "zorder": 1} | COLOURS
    lines = _grid()
    for ax, cloud, grid in ((axes[0], points, lines), (axes[1], moved, planar_step(lines, u, w, bias)[0])):
        for line in grid:
            ax.plot(*line.T, color="black", lw=0.5, alpha=0.5, zorder=2)
        ax.scatter(*cloud.T, **dots)
        ax.set(xlim=(-SIDE, SIDE), ylim=(-SIDE, SIDE), aspect="equal", xlabel="first coordinate")
        ax.grid(False)
    axes[0].set(title="z: Gaussian", ylabel="second coordinate")
    axes[1].set(title="z' = z + u tanh(w·z + c)")
    _arrows(axes[0], {"u": u, "w": w})
    fig.colorbar(axes[1].collections[0], ax=axes[1], label="log-determinant", shrink=0.8)
    _profile(axes[2], numbers["product"], c)
    return fig, _text(numbers, len(points))


def explore() -> VBox:
    """Sliders for u, w and c, over `draw`."""
    points = gaussian()
    names = {"u1": "u₁", "u2": "u₂", "w1": "w₁", "w2": "w₂", "c": "bias c"}
    controls: dict[str, Widget] = {
        key: FloatSlider(description=name, min=-3, max=3, step=0.1, value=START[key], continuous_update=False)
        for key, name in names.items()
    }
    return explorer(lambda **values: draw(points, **values), controls, name="planar")


def folding(dims: int, *, steps: int = 10, draws: int = 2000, seed: int = 0) -> float:
    """Fraction of draws of u and w from N(0, 1) in which at least one of the steps folds space, u.w < -1."""
    u, w = torch.randn(2, draws, steps, dims, generator=torch.Generator().manual_seed(seed))
    return ((u * w).sum(-1) < -1).any(-1).float().mean().item()


def sequence(points: Tensor, u: Tensor, w: Tensor, c: Tensor, counts: tuple[int, ...]) -> tuple[Figure, pd.DataFrame]:
    """The points (n, 2) after the first k of the steps, for each k of `counts`, coloured by their log-determinant.

    Args:
        u, w: (K, 2).
        c: (K,).

    Returns:
        the figure, and a table with a row per k: K, sd_x, sd_y, mean_log_det.
    """
    fig, axes = plt.subplots(1, len(counts), figsize=(9, 2.5), sharex=True, sharey=True)
    rows = []
    for ax, k in zip(axes, counts, strict=True):
        moved, log_det = planar_flow(points, u[:k], w[:k], c[:k]) if k else (points, torch.zeros(len(points)))
        ax.scatter(*moved.T, s=2, c=log_det, cmap="cividis", vmin=-4, vmax=4, rasterized=True)
        ax.set(title=f"K = {k}", xticks=[], yticks=[], aspect="equal")
        rows.append((k, *moved.std(0).tolist(), log_det.mean().item()))
    fig.colorbar(axes[-1].collections[0], ax=axes, label="log-determinant", shrink=0.8)
    return fig, pd.DataFrame(rows, columns=["K", "sd_x", "sd_y", "mean_log_det"])


def _grid() -> Tensor:
    """Lines of a square grid, both ways: (lines, points, 2)."""
    lines = torch.stack(torch.meshgrid(torch.linspace(-3, 3, 13), torch.linspace(-3, 3, 121), indexing="ij"), dim=-1)
    return torch.cat([lines, lines.flip(-1)])


def _arrows(ax, vectors: dict[str, Tensor]) -> None:
    for (name, vector), colour in zip(vectors.items(), (ABNORMAL, NORMAL), strict=True):
        style = {"arrowstyle": "-|>", "color": colour, "lw": 2}
        ax.annotate("", vector.tolist(), (0, 0), arrowprops=style, zorder=3)
        text = ax.text(*(1.2 * vector).tolist(), name, color=colour, weight="bold", ha="center", va="center", zorder=4)
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _profile(ax, product: float, c: float) -> None:
    """The step along w: s = w.z becomes s + (u.w) tanh(s + c), which rises everywhere only if u.w >= -1."""
    s = np.linspace(-SIDE, SIDE, 400)
    after = s + product * np.tanh(s + c)
    falls = 1 + product * (1 - np.tanh(s + c) ** 2) < 0
    ax.plot(s, s, color=NEUTRAL, lw=1, ls="--", label="no step")
    ax.plot(s, after, color=NORMAL, label="step")
    if falls.any():
        ax.plot(s[falls], after[falls], color=ABNORMAL, lw=4, label="falls: space is folded")
    ax.set(xlabel="w·z", ylabel="w·z'", title=f"along w: u·w = {product:.2f}", xlim=(-SIDE, SIDE))
    ax.legend(fontsize="x-small", loc="upper left")


def _text(numbers: pd.Series, count: int) -> str:
    product = numbers["product"]
    text = f"<b>u·w = {product:.2f}.</b> Log-determinant: mean over {count} points {numbers['mean']:.3f}, "
    text += f"lowest {numbers['lowest']:.3f}, highest {numbers['highest']:.3f}. "
    if product >= -1:
        return text + "The constraint u·w ≥ −1 holds: the step is invertible, and its log-determinant exact."
    return text + (
        f"<b>The constraint u·w ≥ −1 is violated</b>, and pfl.flows does not enforce it: space is folded. At "
        f"{numbers['folded']:.1%} of the points the determinant is negative, and several points can end in the same "
        "place."
    )
