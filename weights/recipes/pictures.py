"""Pictures of two coloured shapes in a relation, and captions that say what is there; made from a seed, without PyTorch.

A scene is a pair of things and what the first is to the second. Who stands where is a role: of a red circle left of a
blue square the one is `left`, the other `right`. A tenth of all combinations of colour, shape and role are held out: no
picture of training or development has one, each picture of the test has at least one. Any two of the three are seen
together in training.

    python pictures.py FOLDER 3    # writes three pictures of the test, named by what they show
"""

import random
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 96  # of a picture, in pixels
COLORS = {
    "red": (214, 44, 40), "orange": (241, 142, 28), "yellow": (240, 222, 60), "green": (46, 160, 70),
    "blue": (44, 92, 214), "purple": (142, 62, 172), "white": (244, 244, 244),
}
SHAPES = ["circle", "square", "triangle", "star", "cross", "ring"]
ROLES = {"left": ("left", "right"), "above": ("above", "below"), "inside": ("inside", "around")}
# How large a thing may be that is inside of one, in parts of that one's radius.
ROOM = {"circle": 0.6, "square": 0.6, "triangle": 0.4, "star": 0.4, "cross": 0.45, "ring": 0.45}
SEEDS = {"train": 1, "dev": 2, "test": 3}
WORDINGS = {
    "left": [
        "{a} is left of {b}", "there is {a} to the left of {b}", "to the left of {b} is {a}",
        "{b} is right of {a}", "{b} has {a} on its left",
    ],
    "above": [
        "{a} is above {b}", "there is {a} above {b}", "above {b} is {a}",
        "{b} is below {a}", "{b} has {a} above it",
    ],
    "inside": [
        "{a} is inside {b}", "there is {a} inside {b}", "inside {b} is {a}",
        "{b} is around {a}", "{b} has {a} inside it",
    ],
}


def held_out():
    """The combinations that are left for the test: the same for ever, spread so that each pair of parts is kept."""
    roles = [role for pair in ROLES.values() for role in pair]
    combinations = [(c, s, r) for c in COLORS for s in SHAPES for r in roles]
    random.Random(0).shuffle(combinations)
    chosen, pairs = set(), {}
    for combination in combinations:
        own = [combination[:2], combination[1:], combination[::2]]
        if len(chosen) < len(combinations) // 10 and all(pairs.get(pair, 0) < 1 for pair in own):
            chosen.add(combination)
            pairs.update((pair, 1) for pair in own)
    return chosen


HELD_OUT = held_out()


def combinations(scene):
    """The two combinations of colour, shape and role in a scene (thing, relation, thing)."""
    a, relation, b = scene
    return [(*thing, role) for thing, role in zip((a, b), ROLES[relation])]


def captions(scene):
    """Five ways to say what is there."""
    a, relation, b = scene
    named = {name: f"{'an' if thing[0] == 'orange' else 'a'} {' '.join(thing)}" for name, thing in (("a", a), ("b", b))}
    return [wording.format(**named) for wording in WORDINGS[relation]]


def patterns():
    for relation, wordings in WORDINGS.items():
        for wording in wordings:
            parts = {name: rf"an? (?P<{name}>(?:{'|'.join(COLORS)}) (?:{'|'.join(SHAPES)}))" for name in "ab"}
            yield relation, re.compile(wording.format(**parts))


PATTERNS = list(patterns())


def facts(caption):
    """The scene that a caption says; None where it says none."""
    for relation, pattern in PATTERNS:
        if match := pattern.fullmatch(caption):
            return tuple(match["a"].split()), relation, tuple(match["b"].split())
    return None


def looks(words, maps, drawn, places):
    """How much of the map of each colour and shape of a caption lies in the square of its thing."""
    for place, word in enumerate(words):
        if word in COLORS or word in SHAPES:
            thing = tuple(words[place : place + 2] if word in COLORS else words[place - 1 : place + 1])
            x, y, radius = places[0 if thing == drawn[0] else 1]
            grid = np.asarray(maps[place])
            rows, columns = ((np.arange(count) + 0.5) / count for count in grid.shape)
            near = (abs(rows - y) < radius + 0.05)[:, None] & (abs(columns - x) < radius + 0.05)
            yield float(grid[near].sum())


def scene(rng, is_test):
    while True:
        a, b = ((rng.choice(list(COLORS)), rng.choice(SHAPES)) for _ in range(2))
        drawn = a, rng.choice(list(ROLES)), b
        if a[0] != b[0] and any(c in HELD_OUT for c in combinations(drawn)) == is_test:
            return drawn


def place(rng, drawn):
    """Centre and radius of both things, in parts of the picture's side; no size is that of one role alone."""
    (_, _), relation, (_, outer) = drawn
    if relation == "inside":
        radius = rng.uniform(0.26, 0.42)
        x, y = (rng.uniform(radius + 0.02, 0.98 - radius) for _ in range(2))
        return (x, y, radius * ROOM[outer] * rng.uniform(0.9, 1)), (x, y, radius)
    while True:
        radii = [rng.uniform(0.12, 0.27) for _ in range(2)]
        centers = [[rng.uniform(r + 0.02, 0.98 - r) for _ in range(2)] for r in radii]
        away, aside = (centers[1][i] - centers[0][i] for i in ((0, 1) if relation == "left" else (1, 0)))
        if away > sum(radii) + 0.02 and abs(aside) < away / 2:
            return tuple((*center, radius) for center, radius in zip(centers, radii))


def outline(shape, x, y, radius, turn):
    """The corners of a shape."""
    def around(count, start, radii):
        angles = start + turn + np.arange(count) * 2 * np.pi / count
        lengths = radius * np.resize(radii, count)
        return list(zip(x + lengths * np.cos(angles), y + lengths * np.sin(angles)))

    if shape == "cross":
        arm = 0.34
        corners = [(1, arm), (arm, arm), (arm, 1), (-arm, 1), (-arm, arm), (-1, arm)]
        corners += [(-px, -py) for px, py in corners]
        cos, sin = np.cos(turn), np.sin(turn)
        return [(x + radius * (px * cos - py * sin), y + radius * (px * sin + py * cos)) for px, py in corners]
    if shape == "square":
        return around(4, np.pi / 4, [1.1])
    if shape == "triangle":
        return around(3, -np.pi / 2, [1.1])
    return around(10, -np.pi / 2, [1.1, 0.5])


def picture(rng, drawn):
    """Renders a scene, 96×96 pixels: a grey, uneven ground with a little noise, things in colours that vary."""
    scale = 2 * SIDE  # twice as large, so that edges are smooth
    image = Image.new("RGB", (scale, scale))
    mask = Image.new("L", (scale, scale))
    grey = rng.uniform(50, 130)
    ground = tuple(round(grey + rng.uniform(-10, 10)) for _ in range(3))
    image.paste(ground, (0, 0, scale, scale))
    places = place(rng, drawn)
    for (color, shape), (x, y, radius) in reversed(list(zip((drawn[0], drawn[2]), places))):
        ink = tuple(min(255, max(0, round(value + rng.uniform(-14, 14)))) for value in COLORS[color])
        x, y, radius = x * scale, y * scale, radius * scale
        mask.paste(0, (0, 0, scale, scale))
        draw = ImageDraw.Draw(mask)
        if shape in ("circle", "ring"):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
            if shape == "ring":
                hole = 0.55 * radius
                draw.ellipse((x - hole, y - hole, x + hole, y + hole), fill=0)
        else:
            draw.polygon(outline(shape, x, y, radius, rng.uniform(-0.15, 0.15)), fill=255)
        image.paste(ink, (0, 0), mask)
    pixels = np.asarray(image.reduce(2), np.float32)
    noise = np.random.default_rng(rng.getrandbits(32))
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32) * np.float32(rng.uniform(-14, 14))
    pixels += slope[:, None] if rng.random() < 0.5 else slope[:, None, None]
    pixels += noise.standard_normal((SIDE, SIDE, 1), np.float32) * 6
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), places


def scenes(split, count, first=0):
    """So many pictures of a split, from one on, with what they show and where."""
    for index in range(first, first + count):
        rng = random.Random(SEEDS[split] << 32 | index)
        drawn = scene(rng, split == "test")
        image, places = picture(rng, drawn)
        yield image, drawn, places


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for image, drawn, _ in scenes("test", int(sys.argv[2])):
        image.save(folder / f"{captions(drawn)[0].replace(' ', '-')}.png")
