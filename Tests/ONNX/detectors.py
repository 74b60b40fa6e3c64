#!/usr/bin/env python3
"""Boxes of published detectors as martlet finds them, beside what ONNX Runtime and NumPy make of the same pixels.

    Tests/ONNX/detectors.py yolov8 320n.onnx PICTURE...         nudenet's, in the package of that name
    Tests/ONNX/detectors.py yolox common_det.onnx PICTURE...    ddddocr's

Both sides resize with Pillow's filter, so that the boxes are the same to rounding. MARTLET names another binary. Needs numpy, pillow
and onnxruntime.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnxruntime
from PIL import Image, ImageOps

OVERLAP, THRESHOLD, MOST = 0.45, 0.003, 100
FORMS = {
    "yolov8": (320, {"resize": {"letterbox": [320, 320]}, "color": "rgb"}),
    "yolox": (416, {"resize": {"letterbox": [416, 416], "place": "top-left"}, "color": "bgr", "scale": 1}),
}


def letterbox(picture, side, is_centred):
    """The pixels between bars, where the picture begins in them, and how many of its own pixels one is."""
    factor = min(side / picture.height, side / picture.width)
    length = (lambda size: round(size * factor)) if is_centred else (lambda size: int(size * factor + 1e-6))
    width, height = (max(1, min(side, length(size))) for size in picture.size)
    left, top = ((side - width) // 2, (side - height) // 2) if is_centred else (0, 0)
    pixels = numpy.full((side, side, 3), 114, numpy.uint8)
    pixels[top:top + height, left:left + width] = numpy.asarray(picture.resize((width, height), Image.BILINEAR))
    return pixels, numpy.array([left, top] * 2), numpy.array([picture.width / width, picture.height / height] * 2)


def decoded(form, output, side):
    """Centres and sizes, scores and classes, as the authors' code has them."""
    if form == "yolov8":
        rows = output.T
        return rows[:, :4], rows[:, 4:].max(1), rows[:, 4:].argmax(1)
    grids, steps = [], []
    for step in (8, 16, 32):
        columns, rows = numpy.meshgrid(numpy.arange(side // step), numpy.arange(side // step))
        grids.append(numpy.stack((columns, rows), 2).reshape(-1, 2))
        steps.append(numpy.full((len(grids[-1]), 1), step))
    grids, steps = numpy.concatenate(grids), numpy.concatenate(steps)
    boxes = numpy.concatenate(((output[:, :2] + grids) * steps, numpy.exp(output[:, 2:4]) * steps), 1)
    return boxes, output[:, 4] * output[:, 5:].max(1), output[:, 5:].argmax(1)


def overlap(one, other):
    sides = numpy.clip(numpy.minimum(one[2:], other[2:]) - numpy.maximum(one[:2], other[:2]), 0, None)
    both = sides.prod()
    return both / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - both)


def expected(form, session, picture):
    side, is_centred = FORMS[form][0], form == "yolov8"
    pixels, start, scale = letterbox(picture, side, is_centred)
    values = pixels / numpy.float32(255) if is_centred else pixels[..., ::-1].astype(numpy.float32)
    output = session.run(None, {session.get_inputs()[0].name: values.transpose(2, 0, 1)[None]})[0][0].astype(float)
    boxes, scores, classes = decoded(form, output, side)
    boxes = numpy.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), 1)
    boxes, edge = (boxes - start) * scale, numpy.array(picture.size * 2)
    cut = numpy.clip(boxes, 0, edge)
    keep = (scores >= THRESHOLD) & (cut[:, 2:] > cut[:, :2]).all(1)
    boxes, cut, scores, classes = boxes[keep], cut[keep], scores[keep], classes[keep]
    kept = []
    for index in numpy.lexsort((numpy.arange(len(scores)), -scores)):
        if all(classes[index] != classes[other] or overlap(boxes[index], boxes[other]) <= OVERLAP for other in kept):
            kept.append(index)
    return [(classes[index], scores[index], cut[index]) for index in kept[:MOST]]


def main(form, network, *pictures):
    martlet = os.environ.get("MARTLET", ".build/release/martlet")
    session, wrong = onnxruntime.InferenceSession(network), 0
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "model"
        model.mkdir()
        (model / "model.onnx").symlink_to(pathlib.Path(network).resolve())
        (model / "model.json").write_text(json.dumps(
            {"task": "object-detection", "boxes": form, "nms": OVERLAP, "preprocessing": FORMS[form][1]}))
        answer = json.loads(subprocess.run(
            [martlet, "detect", *pictures, "--models", folder, "--threshold", str(THRESHOLD), "--json"],
            check=True, stdout=subprocess.PIPE).stdout)
    for name, result in zip(pictures, answer["results"]):
        wanted = expected(form, session, ImageOps.exif_transpose(Image.open(name)).convert("RGB"))
        found, furthest = result["detections"], 0
        same = len(found) == len(wanted)
        for one, (index, score, box) in zip(found, wanted):
            same &= one["index"] == index and abs(one["score"] - score) < 1e-4
            furthest = max(furthest, numpy.abs(box - one["box"]).max())
        same &= furthest < 0.1
        wrong += not same
        print(f"{'same' if same else 'WRONG'}  {len(found)} boxes, at most {furthest:.3f} pixels apart  {name}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
