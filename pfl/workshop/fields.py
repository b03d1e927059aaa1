"""Fields that textures are made of: noise, waves, lines, cells and spots, each (size, size), and their colours."""

import cv2
import numpy as np

Rng = np.random.Generator


def noise(rng: Rng, size: int, cells: float, octaves: int = 3, stretch: float = 1.0) -> np.ndarray:
    """Smooth random field (size, size), about -1 to 1; `cells` bumps across, `stretch` > 1 stretches them along x."""
    field, total = np.zeros((size, size), np.float32), 0.0
    for octave in range(octaves):
        n = cells * 2**octave
        shape = max(2, round(n)), max(2, round(n / stretch))
        bumps = rng.standard_normal((min(shape[0], size), min(shape[1], size)), np.float32)
        field += cv2.resize(bumps, (size, size), interpolation=cv2.INTER_CUBIC) * 0.5**octave
        total += 0.25**octave
    return field / (2 * np.sqrt(total))


def axes(rng: Rng, size: int, turn: float = np.pi) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates u, v in [-0.5, 0.5] turned by a random angle of at most `turn` radians."""
    angle = rng.uniform(-turn, turn)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size - 0.5
    return np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y


def colour(rng: Rng, hue=(0, 360), saturation=(0, 1), value=(0.2, 0.9)) -> np.ndarray:
    """A random RGB colour (3,) from ranges of hue in degrees, saturation and value."""
    hsv = np.array([[[rng.uniform(*hue) % 360, rng.uniform(*saturation), rng.uniform(*value)]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]


def rotation(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns a column (x, y) by an angle in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def shaded(rng: Rng, tone: np.ndarray, light: np.ndarray, dark: tuple[float, float]) -> np.ndarray:
    """Colour a tone field (0 dark, 1 light); the dark colour is a random share, within `dark`, of the light one."""
    return blend(tone, light * rng.uniform(*dark), light)


def blend(tone: np.ndarray, dark: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colour a tone field (0 dark, 1 light)."""
    t = np.clip(tone, 0, 1)[..., None]
    return (dark * (1 - t) + light * t).astype(np.float32)


def turned(field: np.ndarray, rng: Rng, turn: float = np.pi) -> np.ndarray:
    """The field rotated about its centre by a random angle, edges mirrored."""
    size = field.shape[0]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), np.degrees(rng.uniform(-turn, turn)), 1.0)
    return cv2.warpAffine(field, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def spots(rng: Rng, size: int, count: int, radius: tuple[float, float]) -> np.ndarray:
    """Soft round spots (size, size) in [0, 1]; radius in fractions of the side."""
    field = np.zeros((size, size), np.float32)
    for _ in range(count):
        centre = tuple(int(c) for c in rng.integers(0, size, 2))
        pixels = max(1, round(rng.uniform(*radius) * size))
        cv2.circle(field, centre, pixels, float(rng.uniform(0.5, 1)), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(field, (0, 0), 0.8)


def cells(rng: Rng, size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """A Voronoi pattern: distance to the cell's seed (size, size), scaled to about [0, 1], and the cell's number."""
    seeds = np.full((size, size), 255, np.uint8)
    seeds[tuple(rng.integers(0, size, (2, count)))] = 0
    distance, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    return distance * np.sqrt(count) / size, label


def tone_of_each(rng: Rng, *coordinates: np.ndarray) -> np.ndarray:
    """A random tone in [0, 1] for each piece (size, size); pieces differ in the whole part of some coordinate."""
    piece = sum(np.floor(c).astype(int) * prime for c, prime in zip(coordinates, (7919, 31, 104729, 17), strict=False))
    return rng.random(997, np.float32)[piece % 997]


def wave(x: np.ndarray) -> np.ndarray:
    """A sine between 0 and 1 with period 1."""
    return 0.5 + 0.5 * np.sin(2 * np.pi * x)


def lines(x: np.ndarray, width: float) -> np.ndarray:
    """1 on lines at whole numbers of x, 0 between them, soft edges; width in periods."""
    distance = np.abs(x - np.round(x))
    return np.clip(1.5 - 2 * distance / width, 0, 1)


def slope(height: np.ndarray, angle: float) -> np.ndarray:
    """Slope of a height field (size, size) along a direction in radians: the shading of light from there."""
    return np.gradient(height, axis=1) * np.cos(angle) + np.gradient(height, axis=0) * np.sin(angle)


def cover(image: np.ndarray, paint: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blend paint over an image (size, size, 3) with opacity alpha (size, size)."""
    alpha = alpha[..., None]
    return (image * (1 - alpha) + np.clip(paint, 0, 1) * alpha).astype(np.float32)
