"""Surfaces of the workshop: procedural textures, each `(rng, size) -> float32 image (size, size, 3) in [0, 1]`.

Every surface varies in colour, scale, direction and in faults that are *allowed* (knots, veins, flecks), so that
unusual is not the same as defective.
"""

from functools import cache
from importlib.resources import files

import cv2
import numpy as np

Rng = np.random.Generator


def noise(rng: Rng, size: int, cells: float, octaves: int = 3, stretch: float = 1.0) -> np.ndarray:
    """Smooth random field (size, size), about -1 to 1; `cells` bumps across, `stretch` > 1 draws them out along x."""
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
    hsv = np.float32([[[rng.uniform(*hue) % 360, rng.uniform(*saturation), rng.uniform(*value)]]])
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]


def rotation(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns a column (x, y) by an angle in radians."""
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def blend(tone: np.ndarray, dark: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colour a tone field (0 dark, 1 light)."""
    t = np.clip(tone, 0, 1)[..., None]
    return (dark * (1 - t) + light * t).astype(np.float32)


def turned(field: np.ndarray, rng: Rng, turn: float = np.pi) -> np.ndarray:
    """The field turned about its centre by a random angle, edges mirrored."""
    size = field.shape[0]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), np.degrees(rng.uniform(-turn, turn)), 1.0)
    return cv2.warpAffine(field, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def spots(rng: Rng, size: int, count: int, radius: tuple[float, float]) -> np.ndarray:
    """Soft round spots (size, size) in [0, 1]; radius in fractions of the side."""
    field = np.zeros((size, size), np.float32)
    for _ in range(count):
        centre = tuple(int(c) for c in rng.integers(0, size, 2))
        cv2.circle(
            field,
            centre,
            max(1, round(rng.uniform(*radius) * size)),
            float(rng.uniform(0.5, 1)),
            -1,
            cv2.LINE_AA,
        )
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


# ---- surfaces that only the tiny CLIP was shown ---------------------------------------------------------------------


def wood(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.4 if rng.random() < 0.7 else np.pi)
    bend = noise(rng, size, 2, 2) * rng.uniform(0.02, 0.1)
    for _ in range(rng.integers(0, 3)):  # knots are allowed
        du, dv = u - rng.uniform(-0.5, 0.5), v - rng.uniform(-0.5, 0.5)
        bend += 0.05 * np.exp(-(du**2 * 30 + dv**2 * 180))
    rings = wave((v + bend) * rng.uniform(6, 16))
    grain = turned(noise(rng, size, 60, 2, 12), rng, 0.1)
    tone = 0.5 + rng.uniform(0.1, 0.35) * (rings - 0.5) + rng.uniform(0.1, 0.25) * grain
    light = colour(rng, (18, 42), (0.25, 0.65), (0.6, 0.95))
    return blend(tone, light * rng.uniform(0.35, 0.6), light)


def leather(rng: Rng, size: int) -> np.ndarray:
    distance, _ = cells(rng, size, int(rng.integers(250, 900)))
    bumps = cv2.GaussianBlur(1 - distance, (0, 0), 1.0)
    tone = 0.35 + 0.5 * bumps + 0.15 * noise(rng, size, 3)
    light = colour(rng, (0, 40), (0.2, 0.8), (0.3, 0.8))
    return blend(tone, light * rng.uniform(0.3, 0.5), light)


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
    light = colour(rng, saturation=(0, 0.25), value=(0.6, 0.98))
    return blend(tone, light * rng.uniform(0.15, 0.5), light)


def rubber(rng: Rng, size: int) -> np.ndarray:
    tone = 0.3 + 0.2 * noise(rng, size, 4) + rng.uniform(0.1, 0.3) * noise(rng, size, 90, 1)
    light = colour(rng, saturation=(0, 0.4), value=(0.25, 0.6))
    return blend(tone + 0.4 * spots(rng, size, int(rng.integers(0, 40)), (0.004, 0.009)), light * 0.2, light)


def corrugated(rng: Rng, size: int) -> np.ndarray:
    u, _ = axes(rng, size)
    tone = wave(u * rng.uniform(6, 20) + 0.1 * noise(rng, size, 2)) ** rng.uniform(0.7, 2) + 0.1 * noise(rng, size, 40)
    light = colour(rng, value=(0.4, 0.95))
    return blend(tone, light * rng.uniform(0.2, 0.6), light)


# ---- the same, of no particular kind, for breadth -------------------------------------------------------------------


def cloud(rng: Rng, size: int) -> np.ndarray:
    tone = 0.5 + rng.uniform(0.1, 0.5) * noise(
        rng, size, rng.uniform(1, 12), int(rng.integers(1, 6)), rng.uniform(1, 4)
    )
    return blend(tone, colour(rng, value=(0, 0.6)), colour(rng, value=(0.3, 1)))


def sand(rng: Rng, size: int) -> np.ndarray:
    tone = 0.5 + rng.uniform(0.1, 0.6) * noise(rng, size, rng.uniform(30, 120), 2) + 0.2 * noise(rng, size, 3)
    light = colour(rng, saturation=(0, 0.6), value=(0.3, 1))
    return blend(tone, light * rng.uniform(0.1, 0.7), light)


def mosaic(rng: Rng, size: int) -> np.ndarray:
    """Voronoi cells of different tones, as grains of a crystal or stones; seams optional."""
    distance, label = cells(rng, size, int(rng.integers(8, 250)))
    tones = rng.uniform(0, 1, int(label.max()) + 1).astype(np.float32)
    tone = (
        0.5 + (tones[label] - 0.5) * rng.uniform(0.1, 0.9) - rng.uniform(0, 0.3) * distance + 0.1 * noise(rng, size, 40)
    )
    return blend(
        cv2.GaussianBlur(tone, (0, 0), rng.uniform(0.4, 1.5)),
        colour(rng, value=(0, 0.5)),
        colour(rng, value=(0.3, 1)),
    )


def zinc(rng: Rng, size: int) -> np.ndarray:
    """Crystals, as of galvanised zinc or cast silicon, feathered, some of them with dark threads: that is normal."""
    _, label = cells(rng, size, int(rng.integers(8, 120)))
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = rng.uniform(0, 0.04) * size
    squeeze = rng.uniform(0.5, 1)  # drawn out one way, as cast
    bent = np.dstack([x * squeeze + bend * noise(rng, size, 8), y + bend * noise(rng, size, 8)]).astype(np.float32)
    label = cv2.remap(np.float32(label), bent, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT).astype(int)
    tones, feathered, clouded = rng.random((3, label.max() + 1), np.float32)
    feathers = np.stack([turned(noise(rng, size, rng.uniform(15, 50), 2, 6), rng) for _ in range(4)])
    feather = np.take_along_axis(feathers, label[None] % 4, 0)[0] * feathered[label]
    threads = np.clip(1 - rng.uniform(3, 8) * np.abs(noise(rng, size, rng.uniform(6, 16), 4, rng.uniform(1, 3))), 0, 1)
    clouds = np.clip(2 * noise(rng, size, 4, 2) + rng.uniform(-0.2, 0.8), 0, 1)
    threads = threads * clouds * (clouded < rng.uniform(0.2, 0.8))[label]
    tone = 0.6 + rng.uniform(0.1, 0.6) * (tones[label] - 0.5) + rng.uniform(0, 0.3) * feather
    tone = cv2.GaussianBlur(tone - rng.uniform(0.1, 0.6) * threads, (0, 0), rng.uniform(0.4, 1.5))
    light = colour(rng, (180, 260), (0, 0.25), (0.5, 1))
    return blend(tone, light * rng.uniform(0, 0.3), light)


def granite(rng: Rng, size: int) -> np.ndarray:
    """Light, with soft dark flecks that crowd in places, as in granite or cast silicon: that is normal."""
    flecks = noise(rng, size, rng.uniform(8, 30), 4, rng.uniform(1, 2.5)) - rng.uniform(0, 0.4)
    flecks = np.clip(turned(flecks, rng) * rng.uniform(1.5, 4), 0, 1)
    crowd = np.clip(0.5 + noise(rng, size, rng.uniform(2, 6), 2) + rng.uniform(-0.3, 0.4), 0, 1)
    tone = 0.75 + 0.15 * noise(rng, size, 3, 2) - rng.uniform(0.15, 0.7) * flecks * crowd
    tone = cv2.GaussianBlur(tone, (0, 0), rng.uniform(0.4, 2))
    light = colour(rng, saturation=(0, 0.4), value=(0.5, 1))
    return blend(tone, light * rng.uniform(0, 0.3), light)


def grid(rng: Rng, size: int) -> np.ndarray:
    """Straight lines, thin or wide, one way or both, on another surface: regular lines are normal."""
    ground = (cloud, sand, mosaic, marble)[rng.integers(4)](rng, size)
    u, v = axes(rng, size, 0.05 if rng.random() < 0.6 else np.pi)
    ink = lines(u * rng.uniform(1.5, 14) + rng.uniform(), rng.uniform(0.05, 0.3))
    if rng.random() < 0.6:
        ink = np.maximum(
            ink, lines(v * rng.uniform(1.5, 30) + rng.uniform(), rng.uniform(0.05, 0.3)) * rng.uniform(0.2, 1)
        )
    ink = ink[..., None] * rng.uniform(0.3, 1)
    return ground * (1 - ink) + colour(rng, value=(0, 1)) * ink


def stripes(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size)
    tone = wave(u * rng.uniform(3, 25) + rng.uniform(0, 0.4) * noise(rng, size, 4)) > rng.uniform(0.3, 0.7)
    if rng.random() < 0.3:
        tone = tone ^ (wave(v * rng.uniform(3, 25)) > 0.5)
    tone = cv2.GaussianBlur(tone.astype(np.float32), (0, 0), 0.7) + 0.15 * noise(rng, size, 30)
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


def shavings(rng: Rng, size: int) -> np.ndarray:
    """Short strokes in all directions, as fibres or chips."""
    base, other = colour(rng), colour(rng)
    image = np.tile(base, (size, size, 1)).astype(np.float32)
    n, length = int(rng.integers(150, 700)), rng.uniform(0.02, 0.12) * size
    start, angle, mix = rng.uniform(0, size, (n, 2)), rng.uniform(0, np.pi, n), rng.uniform(-0.3, 1, n)
    for (x, y), a, m in zip(start, angle, mix, strict=True):
        end = int(x + length * np.cos(a)), int(y + length * np.sin(a))
        tint = np.clip(base * (1 - m) + other * m, 0, 1)
        cv2.line(image, (int(x), int(y)), end, tint.tolist(), int(rng.integers(1, 4)), cv2.LINE_AA)
    return image


def palette(rng: Rng, tone: np.ndarray) -> np.ndarray:
    """Colour a tone field by two or three random colours that differ."""
    dark, light = colour(rng, value=(0, 0.6)), colour(rng, value=(0.4, 1))
    if rng.random() < 0.3:
        dark, light = (np.full(3, c.mean(), np.float32) for c in (dark, light))
    if rng.random() < 0.7:
        return blend(tone, dark, light)
    tone = 2 * np.clip(tone, 0, 1)
    middle = colour(rng)
    return np.where(tone[..., None] < 1, blend(tone, dark, middle), blend(tone - 1, middle, light))


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
    return palette(rng, 0.5 + rng.uniform(0.1, 0.35) * field)


def double(rng: Rng, size: int) -> np.ndarray:
    """Two surfaces in one: multiplied, the lighter, the darker or the mean of both, in the colours of one of them."""
    kinds = (wood, leather, carpet, tile, steel, marble, corrugated, cloud, sand, mosaic, grid, stripes, dots, spectral)
    one, two = (kinds[i](rng, size) for i in rng.integers(0, len(kinds), 2))
    tone = two.mean(-1, keepdims=True)
    kind = rng.integers(4)
    if kind == 0:
        return one * np.clip(tone / max(tone.mean(), 0.1), 0, 1.5)
    if kind == 1:
        return np.maximum(one, tone)
    if kind == 2:
        return np.minimum(one, tone * 1.3)
    return (one + tone) / 2


def panel(rng: Rng, size: int) -> np.ndarray:
    """A plate of one tone with grain, crossed by fine lines and a few bars, perhaps in a frame; bright or dark amid."""
    # Strong grain of many forms is normal on a plate, flecks above all.
    kinds = (cloud, sand, mosaic, marble, paint, spectral, zinc, granite, granite, granite)
    ground = kinds[rng.integers(len(kinds))](rng, size).mean(-1)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    tone = 0.5 + rng.uniform(0.2, 1) * (ground - ground.mean())
    if rng.random() < 0.5:
        tone = tone * (1 + rng.uniform(-0.5, 0.5) * np.exp(-rng.uniform(4, 20) * ((x - 0.5) ** 2 + (y - 0.5) ** 2)))
    x, y = (x, y) if rng.random() < 0.5 else (y, x)
    tone = tone * (1 - rng.uniform(0, 0.35) * lines(x * rng.integers(8, 60) + 0.5, rng.uniform(0.2, 0.5)))
    bars = lines((y - 0.5) * rng.integers(1, 6) + 0.5 * rng.integers(0, 2), rng.uniform(0.03, 0.15))
    if rng.random() < 0.3:  # dashed
        bars = bars * (1 - lines(x * rng.integers(2, 12), rng.uniform(0.2, 0.8)))
    bars = bars * (rng.random() < 0.8)
    tone = tone * (1 - bars) + bars * rng.uniform(0, 1)
    if rng.random() < 0.6:
        edge, corner = rng.uniform(0.01, 0.06), rng.uniform(0, 0.2)
        far = np.maximum(np.abs(x - 0.5), np.abs(y - 0.5))
        bevelled, round_ = np.abs(x - 0.5) + np.abs(y - 0.5), 1.41 * np.hypot(x - 0.5, y - 0.5)
        cut = (bevelled if rng.random() < 0.5 else round_) > 1 - 2 * edge - corner
        frame = np.clip((far - 0.5 + edge) * size / 3, 0, 1)
        frame = np.maximum(frame, cut if rng.random() < 0.5 else 0)
        tone = tone * (1 - frame) + frame * rng.uniform(0, 0.3)
    light = colour(rng, saturation=(0, 0.3 if rng.random() < 0.5 else 0.02), value=(0.5, 1))
    return blend(tone * rng.uniform(0.7, 1.6), light * rng.uniform(0, 0.1), light)


PICTURES = (
    "astronaut.png camera.png chelsea.png coffee.png coins.png hubble_deep_field.jpg ihc.png moon.png "
    "motorcycle_left.png motorcycle_right.png retina.jpg rocket.jpg"
).split()


def picture(rng: Rng, size: int) -> np.ndarray:
    """A piece of a photograph that ships inside scikit-image: anything at all can be normal."""
    whole = _picture(PICTURES[rng.integers(len(PICTURES))])
    side = int(rng.uniform(0.15, 0.6) * min(whole.shape[:2]))
    y, x = (int(rng.integers(0, n - side + 1)) for n in whole.shape[:2])
    crop = cv2.resize(whole[y : y + side, x : x + side], (size, size), interpolation=cv2.INTER_AREA)
    crop = np.ascontiguousarray(np.rot90(crop, rng.integers(4)))
    if rng.random() < 0.3:
        crop = np.repeat(crop.mean(-1, keepdims=True), 3, -1)
    return crop[..., rng.permutation(3)].astype(np.float32) / 255


@cache
def _picture(name: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(files("skimage") / "data" / name), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


# ---- auxiliary surfaces ---------------------------------------------------------------------------------------------


def cork(rng: Rng, size: int) -> np.ndarray:
    distance, label = cells(rng, size, int(rng.integers(150, 700)))
    tones = rng.random(int(label.max()) + 1, np.float32)
    dark = tones[label] < rng.uniform(0.05, 0.15)
    tone = 0.5 + rng.uniform(0.2, 0.5) * (tones[label] - 0.5) - 0.3 * dark - 0.2 * distance
    light = colour(rng, (20, 40), (0.3, 0.65), (0.6, 0.95))
    return blend(tone + 0.1 * noise(rng, size, 60, 2), light * rng.uniform(0.2, 0.5), light)


def parquet(rng: Rng, size: int) -> np.ndarray:
    """Strips laid crosswise, square by square, each with its own tone and grain."""
    u, v = axes(rng, size, 0.8)
    n, strips = rng.uniform(2, 5), int(rng.integers(3, 7))
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    square = np.floor(u) + np.floor(v)
    along, across = (np.where(square % 2 == 0, a, b) for a, b in ((u, v), (v, u)))
    tones = tone_of_each(rng, across * strips, u, along, v)
    grain = noise(rng, size, 60, 2) * rng.uniform(0.1, 0.3)
    seams = np.maximum(lines(across * strips, 0.12), lines(along, 0.12 / strips))
    tone = 0.6 + rng.uniform(0.2, 0.6) * (tones - 0.5) + grain - rng.uniform(0.2, 0.6) * seams
    light = colour(rng, (15, 45), (0.1, 0.65), (0.5, 0.95))
    return blend(tone, light * rng.uniform(0.1, 0.4), light)


def shingles(rng: Rng, size: int) -> np.ndarray:
    """Rows that overlap like scales, round or square, each darker where the next one covers it."""
    u, v = axes(rng, size, 0.3)
    n, round_ = rng.uniform(4, 10), rng.uniform(0, 0.5)
    u, v = u * n + rng.uniform(), v * n * rng.uniform(0.8, 1.6) + rng.uniform()
    shifted = u + 0.5 * (np.floor(v) % 2)
    edge = v - np.floor(v) + round_ * (0.25 - (shifted - np.floor(shifted) - 0.5) ** 2) * 4
    lower = edge > 1  # hangs over the next row
    row = np.floor(v) + lower
    shifted = u + 0.5 * (row % 2)
    depth = v - row + round_ * lower
    tones = tone_of_each(rng, row, shifted)
    tone = 0.75 + rng.uniform(0.1, 0.5) * (tones - 0.5) - rng.uniform(0.3, 0.6) * np.clip(1 - 3 * depth, 0, 1)
    tone = tone - rng.uniform(0.2, 0.5) * lines(shifted, 0.1) + 0.15 * noise(rng, size, 50, 2)
    light = colour(rng, saturation=(0, 0.6), value=(0.5, 0.95))
    return blend(tone, light * rng.uniform(0.1, 0.4), light)


def knit(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.5)
    n, slope = rng.uniform(8, 18), rng.uniform(0.4, 1.2)
    bend = 0.15 * noise(rng, size, 4, 2)
    column = u * n + bend
    leaning = np.abs(column - np.round(column)) * 2  # 0 amid a column of stitches, 1 at its edges
    tone = wave(v * n * rng.uniform(0.9, 1.6) + slope * leaning + bend) * 0.6 + 0.35 * wave(column + 0.25) ** 0.5
    bands = wave(v * rng.uniform(1, 4)) > 0.5 if rng.random() < 0.4 else np.zeros((size, size), bool)
    one, other = colour(rng), colour(rng)
    yarn = np.where(bands[..., None], other, one)
    return (yarn * (0.3 + 0.8 * tone + 0.15 * noise(rng, size, 70, 1))[..., None]).astype(np.float32)


def honeycomb(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size)
    n, wall = rng.uniform(4, 12), rng.uniform(0.08, 0.25)
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    distance = np.full((2, size, size), 9.0)  # from the nearest and the second nearest centre of a hexagonal grid
    for shift in (0, 0.5):
        du, dv = u - np.round(u - shift) - shift, v / 1.732 - np.round(v / 1.732 - shift) - shift
        for step in (-1, 0, 1):
            distance = np.sort(np.concatenate([distance, np.hypot(du + step, dv * 1.732)[None]]), 0)[:2]
    walls = np.clip(1.5 - (distance[1] - distance[0]) / wall, 0, 1)
    tone = rng.uniform(0.1, 0.5) + rng.uniform(-0.2, 0.4) * distance[0] + 0.1 * noise(rng, size, 4)
    tone = tone * (1 - walls) + walls * rng.uniform(0.6, 1)
    return blend(tone + 0.06 * noise(rng, size, 60, 1), colour(rng, value=(0, 0.5)), colour(rng, value=(0.5, 1)))


def terrazzo(rng: Rng, size: int) -> np.ndarray:
    """Chips of stone, of a few colours, in cement."""
    distance, label = cells(rng, size, int(rng.integers(120, 500)))
    chips = distance < rng.uniform(0.25, 0.5) + 0.2 * noise(rng, size, 25, 2)
    few = np.stack([colour(rng, saturation=(0, 0.7), value=(0.05, 1)) for _ in range(rng.integers(2, 6))])
    stone = few[label % len(few)] * (1 + 0.15 * noise(rng, size, 40, 2))[..., None]
    cement = colour(rng, saturation=(0, 0.3), value=(0.4, 1)) * (1 + 0.1 * noise(rng, size, 60, 2))[..., None]
    alpha = cv2.GaussianBlur(np.float32(chips), (0, 0), 0.7)[..., None] * rng.uniform(0.5, 1)
    return (cement * (1 - alpha) + stone * alpha).astype(np.float32)


def treadplate(rng: Rng, size: int) -> np.ndarray:
    """Raised lozenges, neighbours at right angles, lit from one side."""
    u, v = axes(rng, size)
    n, long, thin = rng.uniform(5, 12), rng.uniform(0.35, 0.48), rng.uniform(0.1, 0.2)
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    du, dv = u - np.round(u), v - np.round(v)
    upright = (np.round(u) + np.round(v)) % 2 == 0
    du, dv = np.where(upright, du, dv), np.where(upright, dv, du)
    height = np.clip(3 * (1 - (du / thin) ** 2 - (dv / long) ** 2), 0, 1).astype(np.float32)
    height = cv2.GaussianBlur(height, (0, 0), rng.uniform(0.8, 2))
    light = rng.uniform(0, 2 * np.pi)
    slope = np.gradient(height, axis=1) * np.cos(light) + np.gradient(height, axis=0) * np.sin(light)
    tone = 0.5 + rng.uniform(0.8, 2) * slope + rng.uniform(-0.2, 0.2) * height + 0.1 * noise(rng, size, 3)
    shine = colour(rng, (180, 260), (0, 0.3), (0.5, 1))
    return blend(tone + 0.08 * noise(rng, size, 80, 1), shine * rng.uniform(0.05, 0.35), shine)


def bark(rng: Rng, size: int) -> np.ndarray:
    """Long ridges with dark furrows between them."""
    ridges = 1 - np.abs(noise(rng, size, rng.uniform(8, 20), 3, rng.uniform(2, 5)))
    tone = turned(0.2 + 0.8 * np.clip(ridges, 0, 1) ** rng.uniform(1.5, 4), rng) + 0.2 * noise(rng, size, 40, 2)
    light = colour(rng, (15, 60) if rng.random() < 0.7 else (0, 360), (0, 0.5), (0.4, 0.9))
    return blend(tone, light * rng.uniform(0.05, 0.4), light)


# ---- target surfaces ------------------------------------------------------------------------------------------------


@cache
def _photograph(name: str) -> np.ndarray:
    image = cv2.imread(str(files("skimage") / "data" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    return image.astype(np.float32) / 255


def photograph(rng: Rng, size: int, name: str, tints) -> np.ndarray:
    """A random crop of a texture photograph that ships inside scikit-image, tinted, turned and flipped."""
    whole = _photograph(name)
    side = int(rng.uniform(0.4, 0.75) * min(whole.shape))
    y, x = (int(rng.integers(0, n - side + 1)) for n in whole.shape)
    crop = whole[y : y + side, x : x + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = cv2.resize(np.ascontiguousarray(crop), (size, size), interpolation=cv2.INTER_AREA)
    tint = colour(rng, *tints)
    return np.clip(crop[..., None] * tint * rng.uniform(1.1, 1.5), 0, 1).astype(np.float32)


def brick(rng: Rng, size: int) -> np.ndarray:
    return photograph(rng, size, "brick", ((0, 30), (0.1, 0.55), (0.7, 1)))


def gravel(rng: Rng, size: int) -> np.ndarray:
    return photograph(rng, size, "gravel", ((20, 60), (0, 0.25), (0.8, 1)))


def grass(rng: Rng, size: int) -> np.ndarray:
    return photograph(rng, size, "grass", ((70, 120), (0.2, 0.6), (0.8, 1)))


def mesh(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.5)
    n = rng.uniform(6, 11)
    hole = np.clip(4 * (np.cos(2 * np.pi * u * n) + np.cos(2 * np.pi * v * n) - rng.uniform(0.1, 0.5)), 0, 1)
    metal = blend(
        0.7 + 0.2 * noise(rng, size, 20),
        np.full(3, 0.25, np.float32),
        colour(rng, (20, 60), (0, 0.4), (0.6, 0.95)),
    )
    return metal * (1 - hole[..., None]) + np.float32(rng.uniform(0.02, 0.2)) * hole[..., None]
