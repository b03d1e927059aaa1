"""Surfaces to pre-train the tiny CLIP on, each `(rng, size) -> float32 image (size, size, 3) in [0, 1]`.

Colour, scale and direction vary, and so do irregularities that are *normal* (knots, veins, flecks): what is unusual
need not be defective.
"""

import cv2
import numpy as np

from .fields import Rng, axes, blend, cells, colour, lines, noise, shaded, spots, turned, wave

# ---- of a fixed form ------------------------------------------------------------------------------------------------


def wood(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.4 if rng.random() < 0.7 else np.pi)
    bend = noise(rng, size, 2, 2) * rng.uniform(0.02, 0.1)
    for _ in range(rng.integers(0, 3)):  # knots are normal
        du, dv = u - rng.uniform(-0.5, 0.5), v - rng.uniform(-0.5, 0.5)
        bend += 0.05 * np.exp(-(du**2 * 30 + dv**2 * 180))
    rings = wave((v + bend) * rng.uniform(6, 16))
    grain = turned(noise(rng, size, 60, 2, 12), rng, 0.1)
    tone = 0.5 + rng.uniform(0.1, 0.35) * (rings - 0.5) + rng.uniform(0.1, 0.25) * grain
    return shaded(rng, tone, colour(rng, (18, 42), (0.25, 0.65), (0.6, 0.95)), (0.35, 0.6))


def leather(rng: Rng, size: int) -> np.ndarray:
    distance, _ = cells(rng, size, int(rng.integers(250, 900)))
    bumps = cv2.GaussianBlur(1 - distance, (0, 0), 1.0)
    tone = 0.35 + 0.5 * bumps + 0.15 * noise(rng, size, 3)
    return shaded(rng, tone, colour(rng, (0, 40), (0.2, 0.8), (0.3, 0.8)), (0.3, 0.5))


def carpet(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.3)
    n = rng.uniform(18, 34)
    jitter = noise(rng, size, 20, 1) * 0.15
    over = wave(u * n + jitter) * (wave(v * n / 2) > 0.5) + wave(v * n + jitter) * (wave(v * n / 2) <= 0.5)
    tone = 0.2 + 0.5 * over + 0.25 * noise(rng, size, 50, 2)
    dark = colour(rng, value=(0.15, 0.5))
    return blend(tone, dark, np.clip(dark + rng.uniform(0.15, 0.4), 0, 1))


def tile(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.2)
    n, offset = rng.uniform(1.5, 4.5), rng.uniform(0, 1, 2)
    rows = v * n + offset[1]
    shift = 0.5 * (np.round(rows - 0.5) % 2) if rng.random() < 0.4 else 0
    grout = np.maximum(lines(u * n + offset[0] + shift, 0.07), lines(rows, 0.07))
    base = colour(rng, saturation=(0, 0.6), value=(0.4, 0.9))
    face = blend(0.75 + 0.2 * noise(rng, size, 4, 4), base * 0.7, np.clip(base * 1.1, 0, 1))
    joint = np.full(3, rng.uniform(0.1, 0.9), np.float32)
    return face * (1 - grout[..., None]) + joint * grout[..., None]


def steel(rng: Rng, size: int) -> np.ndarray:
    brushed = turned(noise(rng, size, 90, 2, 40), rng)
    sheen = np.cos(axes(rng, size)[0] * rng.uniform(2, 7) + rng.uniform(0, 6))
    tone = 0.5 + rng.uniform(0.1, 0.3) * brushed + rng.uniform(0.05, 0.25) * sheen
    light = colour(rng, (180, 240), (0, 0.15), (0.6, 0.95))
    return blend(tone, light * 0.35, light)


def marble(rng: Rng, size: int) -> np.ndarray:
    veins = 1 - np.abs(np.tanh(2 * noise(rng, size, rng.uniform(1.5, 4), 3)))
    tone = 0.8 - rng.uniform(0.2, 0.5) * veins**2 + 0.15 * noise(rng, size, 3, 4)
    return shaded(rng, tone, colour(rng, saturation=(0, 0.25), value=(0.6, 0.98)), (0.15, 0.5))


def rubber(rng: Rng, size: int) -> np.ndarray:
    tone = 0.3 + 0.2 * noise(rng, size, 4) + rng.uniform(0.1, 0.3) * noise(rng, size, 90, 1)
    light = colour(rng, saturation=(0, 0.4), value=(0.25, 0.6))
    return blend(tone + 0.4 * spots(rng, size, int(rng.integers(0, 40)), (0.004, 0.009)), light * 0.2, light)


# ---- of random form, for variety ------------------------------------------------------------------------------------


def cloud(rng: Rng, size: int) -> np.ndarray:
    contrast = rng.uniform(0.1, 0.5)
    tone = 0.5 + contrast * noise(rng, size, rng.uniform(1, 12), int(rng.integers(1, 6)), rng.uniform(1, 4))
    return blend(tone, colour(rng, value=(0, 0.6)), colour(rng, value=(0.3, 1)))


def sand(rng: Rng, size: int) -> np.ndarray:
    tone = 0.5 + rng.uniform(0.1, 0.6) * noise(rng, size, rng.uniform(30, 120), 2) + 0.2 * noise(rng, size, 3)
    return shaded(rng, tone, colour(rng, saturation=(0, 0.6), value=(0.3, 1)), (0.1, 0.7))


def mosaic(rng: Rng, size: int) -> np.ndarray:
    """Voronoi cells of different tones, like the grains of a crystal or stones, some with seams."""
    distance, label = cells(rng, size, int(rng.integers(8, 250)))
    tones = rng.uniform(0, 1, int(label.max()) + 1).astype(np.float32)
    tone = 0.5 + (tones[label] - 0.5) * rng.uniform(0.1, 0.9) - rng.uniform(0, 0.3) * distance
    tone = cv2.GaussianBlur(tone + 0.1 * noise(rng, size, 40), (0, 0), rng.uniform(0.4, 1.5))
    return blend(tone, colour(rng, value=(0, 0.5)), colour(rng, value=(0.3, 1)))


def grid(rng: Rng, size: int) -> np.ndarray:
    """Straight lines, thin or wide, in one direction or two, on another surface: regular lines are normal."""
    ground = (cloud, sand, mosaic, marble)[rng.integers(4)](rng, size)
    u, v = axes(rng, size, 0.05 if rng.random() < 0.6 else np.pi)
    ink = lines(u * rng.uniform(1.5, 14) + rng.uniform(), rng.uniform(0.05, 0.3))
    if rng.random() < 0.6:
        across = lines(v * rng.uniform(1.5, 30) + rng.uniform(), rng.uniform(0.05, 0.3))
        ink = np.maximum(ink, across * rng.uniform(0.2, 1))
    ink = ink[..., None] * rng.uniform(0.3, 1)
    return ground * (1 - ink) + colour(rng, value=(0, 1)) * ink


def stripes(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size)
    bands = wave(u * rng.uniform(3, 25) + rng.uniform(0, 0.4) * noise(rng, size, 4)) > rng.uniform(0.3, 0.7)
    if rng.random() < 0.3:
        bands = bands ^ (wave(v * rng.uniform(3, 25)) > 0.5)
    tone = cv2.GaussianBlur(bands.astype(np.float32), (0, 0), 0.7) + 0.15 * noise(rng, size, 30)
    return blend(tone, colour(rng), colour(rng))


def dots(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size)
    n, sharp = rng.uniform(4, 20), rng.uniform(2, 10)
    tone = 1 / (1 + np.exp(-sharp * (np.sin(2 * np.pi * u * n) * np.sin(2 * np.pi * v * n) - rng.uniform(-0.3, 0.6))))
    return blend(tone + 0.1 * noise(rng, size, 30), colour(rng), colour(rng))


def paint(rng: Rng, size: int) -> np.ndarray:
    """Nearly plain."""
    base = colour(rng, value=(0.1, 1))
    return blend(0.8 + rng.uniform(0.02, 0.15) * noise(rng, size, rng.uniform(2, 60)), base * 0.5, base)


def spectral(rng: Rng, size: int) -> np.ndarray:
    """Random phases under a random spectrum, bent by a random curve: grain, worms, blotches, fur."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    radius, angle = np.hypot(fy, fx) + 1 / size, np.arctan2(fy, fx)
    power = np.zeros_like(radius)
    for _ in range(rng.integers(1, 4)):
        peak, width = np.exp(rng.uniform(np.log(2 / size), np.log(0.3))), rng.uniform(0.15, 0.9)
        lobe = np.exp(-((np.log(radius / peak) / width) ** 2)) / radius
        if rng.random() < 0.4:  # grain with a direction
            lobe = lobe * np.exp(rng.uniform(1, 8) * (np.cos(2 * (angle - rng.uniform(0, np.pi))) - 1))
        power += rng.uniform(0.2, 1) * lobe / np.sqrt((lobe**2).sum())
    field = np.fft.irfft2(power * np.exp(2j * np.pi * rng.random(power.shape)), (size, size))
    field = (field / field.std()).astype(np.float32)
    kind = rng.integers(3)
    if kind == 1:
        field = np.tanh(rng.uniform(1, 6) * (field - rng.uniform(-0.7, 0.7)))
    elif kind == 2:
        field = 1.5 - 2 * np.abs(np.tanh(rng.uniform(0.5, 2) * field))
    tone = 0.5 + rng.uniform(0.1, 0.35) * field
    return blend(tone, colour(rng, value=(0, 0.6)), colour(rng, value=(0.4, 1)))
