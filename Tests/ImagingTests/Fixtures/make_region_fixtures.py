"""Writes regions.json: what Pillow makes of regions by R-CNN's transforms.

    python make_region_fixtures.py     # needs Pillow and numpy

The image is pattern(61, 47). Each case has a region, a transform, an input, and the CRC-32 of its pixels, plane by plane, with
zeros where no image is. The geometry is written after the authors' rcnn_im_crop.m, apart from the project's code.
"""
import itertools, json, math, pathlib, zlib

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 61, 47
FILTERS = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}


def pattern(width, height):
    y, x, c = np.mgrid[:height, :width, :3]
    return ((7 * x + 13 * y + 29 * c + x * y) % 256).astype(np.uint8)


def rounded(x):
    """As MATLAB: halves away from zero."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def axis(low, high, scale, padding, image, size, tight):
    """The part of the image, and where it lies on the input."""
    centre = (low + high) / 2
    first, last = (rounded(centre + sign * scale * size / 2) for sign in (-1, 1))
    last = max(last, first + 1)
    start, end = first, last
    if tight:
        start, end = (rounded(centre + sign * ((high - low) / 2 + scale * padding)) for sign in (-1, 1))
        start, end = max(start, first), min(max(end, start + 1), last)
    start, end = max(start, 0), min(end, image)
    place = [rounded((x - first) * size / (last - first)) for x in (start, end)]
    place[0] = min(place[0], size - 1)
    return (start, end), (place[0], max(place[1], place[0] + 1))


def crop(region, shape, padding, size, interpolation):
    left, top, right, bottom = region
    across, down = ((b - a) / (s - 2 * padding) for a, b, s in ((left, right, size[0]), (top, bottom, size[1])))
    if shape != "warp":
        across = down = max(across, down)
    tight = shape == "square-without-context"
    x, at_x = axis(left, right, across, padding, WIDTH, size[0], tight)
    y, at_y = axis(top, bottom, down, padding, HEIGHT, size[1], tight)
    part = Image.fromarray(pattern(WIDTH, HEIGHT)).crop((x[0], y[0], x[1], y[1]))
    part = part.resize((at_x[1] - at_x[0], at_y[1] - at_y[0]), FILTERS[interpolation])
    out = np.zeros((size[1], size[0], 3), np.uint8)
    out[at_y[0] : at_y[1], at_x[0] : at_x[1]] = np.asarray(part)
    return out


REGIONS = [(20, 15, 40, 30), (0, 0, 61, 47), (0, 0, 9, 4), (50, 20, 61, 47), (3, 40, 58, 47), (30, 2, 33, 45), (60, 46, 61, 47)]
SHAPES = ["square-with-context", "square-without-context", "warp"]
INPUTS = [((32, 32), 2), ((24, 40), 0), ((67, 67), 16), ((9, 9), 3)]
cases = []
for number, (region, shape, (size, padding)) in enumerate(itertools.product(REGIONS, SHAPES, INPUTS)):
    interpolation = list(FILTERS)[number % 4 if number % 3 else 1]
    pixels = crop(region, shape, padding, size, interpolation)
    cases.append({"region": region, "shape": shape, "padding": padding, "width": size[0], "height": size[1],
                  "interpolation": interpolation, "crc32": zlib.crc32(pixels.transpose(2, 0, 1).tobytes())})
text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
(pathlib.Path(__file__).parent / "regions.json").write_text(text)
