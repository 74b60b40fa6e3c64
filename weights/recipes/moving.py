"""Clips of moving digits that are hidden now and then; needs no PyTorch.

A digit of MNIST moves over a black frame of 64×64 pixels, left, right, up or down, and turns round at the edges. A bar
stands in its way, and twice a shutter of one gray covers it for some frames. The digit and the direction are told for
every frame: what is hidden has to be remembered, and no single frame says which way the digit moves.
"""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

SIZE, DIGIT = 64, 28  # pixels
FRAMES = 16
DIRECTIONS = ["left", "right", "up", "down"]
LABELS = [f"{digit} {direction}" for digit in range(10) for direction in DIRECTIONS]
HIDDEN = 0.2  # of a digit's ink: with less in sight it counts as hidden
TEST_SEED = 20


class Clip(NamedTuple):
    frames: np.ndarray  # FRAMES × SIZE × SIZE, uint8
    directions: np.ndarray  # FRAMES, the way of the step that led to each frame
    visible: np.ndarray  # FRAMES, the share of the digit's ink that is in sight


def path(rng):
    """Rows and columns of the digit's corner in each frame, and the directions."""
    direction, speed = rng.integers(4), rng.integers(2, 6)
    last = SIZE - DIGIT
    corner = rng.integers(0, last + 1, 2)  # row, column, one step before the first frame
    axis, sign = (1, 0)[direction // 2], (-1, 1)[direction % 2]
    corners, directions = np.empty((FRAMES, 2), np.int64), np.empty(FRAMES, np.int64)
    for frame in range(FRAMES):
        if corner[axis] == (0 if sign < 0 else last):
            sign = -sign
        corner[axis] = min(max(corner[axis] + sign * speed, 0), last)
        corners[frame] = corner
        directions[frame] = 2 * (direction // 2) + (sign > 0)
    return corners, directions


def cover(frames, corners, rng):
    """Puts the bar and the shutters before what moves, in place."""
    width, start, gray = rng.integers(4, 11), rng.integers(8, SIZE - 18), rng.integers(40, 200)
    bar = slice(start, start + width)
    frames[(slice(None), bar) if rng.integers(2) else (slice(None), slice(None), bar)] = gray
    for half in range(2):
        first, length = 2 + 7 * half + rng.integers(0, 4), rng.integers(2, 5)
        sides = rng.integers(DIGIT + 6, DIGIT + 21, 2)
        lead = corners[first] - rng.integers(0, sides - DIGIT + 1)
        (top, left), (bottom, right) = np.maximum(lead, 0), lead + sides
        frames[first : first + length, top:bottom, left:right] = rng.integers(40, 200)


def render(digit, rng):
    """A clip of a digit of DIGIT × DIGIT pixels."""
    corners, directions = path(rng)
    ink = np.zeros((FRAMES, SIZE, SIZE), np.uint8)
    for frame, (row, column) in zip(ink, corners):
        frame[row : row + DIGIT, column : column + DIGIT] = digit
    # What covers is told from the digit by covering a second, black canvas with the very same.
    state = rng.bit_generator.state
    frames, blank = ink.copy(), np.zeros_like(ink)
    for canvas in (frames, blank):
        rng.bit_generator.state = state
        cover(canvas, corners, rng)
    seen = np.where(blank > 0, 0, ink).sum((1, 2), dtype=np.int64)
    return Clip(frames, directions, seen / digit.sum(dtype=np.int64))


def score(found, digits, clips):
    """Shares of right answers, of all frames and of those that hide the digit: the pair, and either part of it.

    `found` has the number of a label for each clip and frame, `digits` the digit of each clip.
    """
    digit = found // len(DIRECTIONS) == np.asarray(digits)[:, None]
    direction = found % len(DIRECTIONS) == np.stack([clip.directions for clip in clips])
    hidden = np.stack([clip.visible for clip in clips]) < HIDDEN
    parts = {"accuracy": digit & direction, "digit": digit, "direction": direction}
    shares = {}
    for suffix, frames in (("", np.ones_like(hidden)), ("_hidden", hidden)):
        for name, right in parts.items():
            shares[name + suffix] = round(float(right[frames].mean()), 4)
    return {**shares, "clips": len(clips), "frames": hidden.size, "hidden_frames": int(hidden.sum())}


def clips(digits, seed):
    """A clip of each digit, the same for the same seed."""
    rng = np.random.default_rng(seed)
    for digit in digits:
        yield render(digit, rng)


def write_gif(path, frames, grays=16, milliseconds=250):
    """Writes frames as an animated GIF in a few grays, of each the part that changes.

    Pillow writes the parts; the animation it would leave frames out of, those that are as the one before.
    """
    palette = [round(level * 255 / (grays - 1)) for level in range(grays) for _ in range(3)]
    levels = np.round(np.asarray(frames) * ((grays - 1) / 255)).astype(np.uint8)
    head, parts = b"", []
    for frame, before in zip(levels, [None, *levels]):
        rows, columns = (0, SIZE - 1), (0, SIZE - 1)
        if before is not None:
            changed = np.nonzero(frame != before)
            rows, columns = [(int(axis.min()), int(axis.max())) if len(axis) else (0, 0) for axis in changed]
        image = Image.fromarray(frame[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1], "P")
        image.putpalette(palette)
        out = io.BytesIO()
        image.save(out, "GIF", optimize=False)
        start = 13 + 3 * (2 << (out.getvalue()[10] & 7))
        head = head or out.getvalue()[:start]
        picture = out.getvalue()[out.getvalue().index(b",", start) : -1]
        control = b"!\xf9\4\4" + (milliseconds // 10).to_bytes(2, "little") + b"\0\0"
        place = b"," + columns[0].to_bytes(2, "little") + rows[0].to_bytes(2, "little")
        parts.append(control + place + picture[5:])
    loop = b"!\xff\x0bNETSCAPE2.0\3\1\0\0\0"
    path.write_bytes(b"GIF89a" + head[6:] + loop + b"".join(parts) + b";")
