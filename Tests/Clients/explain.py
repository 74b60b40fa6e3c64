#!/usr/bin/env python3
"""Pictures of why, as Pillow opens them, and features, as the numbers that a client makes of them."""
import io
import struct

import requests
from PIL import Image

from native import EXAMPLES, URL, ask, classes, passed, predict, same

CAR = EXAMPLES / "automobile.jpg"
source = Image.open(CAR)

# The map of a class and its bias are its logit.
found = ask("/v1/models/cifar10:explain", CAR.read_bytes())
cells = [value for row in found["grid"]["values"] for value in row]
logit = sum(cells) / len(cells) + found["bias"]
best = classes(CAR, 1, "cifar10")[0]
same(found["class"]["index"], best["index"], "the class that is explained")
assert abs(logit - best["logit"]) < 1e-4, (logit, best)

for query, size in (("overlay=true", source.size), ("overlay=false", None)):
    answer = requests.post(f"{URL}/v1/models/cifar10:explain?{query}", CAR.read_bytes(), headers={"Accept": "image/png"}, timeout=30)
    assert answer.headers["Content-Type"] == "image/png", answer.text
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    same((picture.format, picture.mode), ("PNG", "RGB"), "what Pillow opens")
    if size:
        same(picture.size, size, "the size of the upright image")

# What a token does is what :predict says without it.
words = "a good film".split()
tokens = ask("/v1/models/sentiment:explain", " ".join(words).encode(), "text/plain")
rest = predict("sentiment", " ".join(words[:1] + words[2:]), scores=True)["scores"]
without = next(score["probability"] for score in rest if score["index"] == tokens["class"]["index"])
assert abs(tokens["class"]["probability"] - without - tokens["tokens"][1]["effect"]) < 1e-6, (tokens, without)

features = ask("/v1/models/objects:embed", CAR.read_bytes())
answer = requests.post(f"{URL}/v1/models/objects:embed", CAR.read_bytes(), headers={"Accept": "application/octet-stream"}, timeout=30)
same(answer.headers["X-Tensor-Shape"], "1, 512", "the shape of the features")
floats = struct.unpack("<512f", answer.content)
same([struct.pack("<f", number) for number in features["embedding"]], [struct.pack("<f", number) for number in floats], "the features")

passed("explain", "pillow", "`:explain` as PNG and JSON, `:embed` as JSON and float32")
