"""Measures the bundled models' accuracy through the running daemon and writes it into their `model.json`.

Every example of the test split goes over HTTP: digits and the frames of clips as PNG files made here, photographs as
their JPEG files, surnames and reviews as text, sentences to tag as arrays of words. Image models are measured with each
of the crop modes in `IMAGES`. Shakespeare is sent in windows that overlap, so that no character is judged with fewer than
`CONTEXT` before it (but the first ones); each temperature of the test years is predicted from the days before it.
Translations are compared with the English of the test split by sacrebleu's BLEU, for several widths of the beam and
several length penalties. Pictures of `scenes` are rendered here; their captions count as right when they say what is
there, and are compared with the five that there are for each by BLEU. Prints a Markdown table of the accuracies; the
other numbers stand in the lines above it.

    deploy/serve &
    python measure.py --data DATA --models-folder .. digits cifar10 objects surnames
"""

import argparse
import base64
import http.client
import io
import json
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

import boxes
import files
import moving

GROUP = 50  # texts in one request
CONTEXT, WINDOW = 1000, 4000  # characters
HISTORY = 120  # days before a forecast, as in temperature.py
BEAMS, PENALTIES = (1, 2, 4, 8), (0, 0.6, 1, 1.5)
SCENES = 2000  # pictures of the test


def png(pixels):
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


def digits(data):
    """Pairs of an encoded image and its label."""
    images = files.read_idx(data / "mnist" / "test-images-idx3-ubyte.gz")
    labels = files.read_idx(data / "mnist" / "test-labels-idx1-ubyte.gz")
    for pixels, label in zip(images, labels):
        yield png(pixels), str(label)


def clips(data):
    """Triples of a clip as an instance, the clip, and its digit: one of each test digit."""
    labels = files.read_idx(data / "mnist" / "test-labels-idx1-ubyte.gz")
    images = files.read_idx(data / "mnist" / "test-images-idx3-ubyte.gz")
    for clip, label in zip(moving.clips(images, moving.TEST_SEED), labels):
        yield [{"b64": base64.b64encode(png(frame)).decode()} for frame in clip.frames], clip, int(label)


def photographs(path):
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("test/") and name.endswith(".jpg"):
                yield archive.read(name), name.split("/")[1]


def surnames(data):
    """Pairs of a text and its label."""
    for line in (data / "names" / "test.tsv").read_text(encoding="utf-8").splitlines():
        yield tuple(line.split("\t"))


def reviews(data):
    for line in (data / "sst2" / "test.txt").read_text(encoding="utf-8").splitlines():
        label, text = line.split(" ", 1)
        yield text, ["negative", "positive"][int(label)]


# The examples of each model, and the crop modes to measure; the first is the model's own accuracy.
IMAGES = {
    "digits": (digits, ["center", "ten"]),
    "cifar10": (lambda data: photographs(data / "cifar10-jpeg.zip"), ["center", "ten"]),
    "objects": (lambda data: photographs(data / "caltech101-short144.zip"), ["center", "ten", "grid", "dense"]),
}
TEXTS = {"surnames": surnames, "sentiment": reviews}


class Daemon:
    """Sends many requests over a few keep-alive connections."""

    def __init__(self, url, connections):
        self.address = urlsplit(url)
        self.connections = connections

    def post_all(self, path, content_type, bodies, connections=None):
        """The answers to `bodies`, in order."""
        connections = connections or self.connections
        answers = [None] * len(bodies)
        failures = []

        def send_share(first):
            connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=120)
            try:
                for index in range(first, len(bodies), connections):
                    if failures:
                        return
                    answers[index] = self.post(connection, path, content_type, bodies[index])
            except Exception as error:
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=send_share, args=(i,)) for i in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return answers

    @staticmethod
    def post(connection, path, content_type, body):
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: status {response.status}: {text.decode(errors='replace')}")
        return json.loads(text)


def measure_images(daemon, model, examples, crops):
    path = f"/v1/models/{model}:classify?top_k=5&crops={crops}"
    answers = daemon.post_all(path, "application/octet-stream", [image for image, _ in examples])
    if wrong := {answer["crops"]["mode"] for answer in answers} - {crops}:
        raise RuntimeError(f"{model}: asked for crops={crops}, answered with {wrong}")
    ranked = [[prediction["label"] for prediction in answer["predictions"]] for answer in answers]
    return [share(label in ranks[:k] for ranks, (_, label) in zip(ranked, examples)) for k in (1, 5)]


def measure_texts(daemon, model, examples):
    answers = predict(daemon, model, [text for text, _ in examples])
    return share(answer["label"] == label for answer, (_, label) in zip(answers, examples))


def measure_tagger(daemon, data):
    sentences = files.read_tagged(data / "ud-ewt-pos" / "test.tsv")
    instances = [[word for word, _ in sentence] for sentence in sentences]
    answers = predict(daemon, "tagger", instances)
    hits = []
    for sentence, tags in zip(sentences, answers, strict=True):
        hits += [tag == answer["label"] for (_, tag), answer in zip(sentence, tags, strict=True)]
    return {"accuracy": share(hits), "tokens": len(hits), "measured": "over HTTP, the whole test split"}


def measure_shakespeare(daemon, data):
    text = (data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    text = text[len(text) * 9 // 10 :]
    step = WINDOW - CONTEXT
    starts = range(0, len(text) - CONTEXT, step)
    answers = predict(daemon, "shakespeare", [text[start : start + WINDOW] for start in starts], scores=True, group=2)
    scores = []
    for start, answer in zip(starts, answers):
        scores += answer["scores"][CONTEXT - 1 if start else 0 :]
    if len(scores) != len(text) - 1:
        raise RuntimeError(f"shakespeare: {len(text)} characters sent, {len(scores)} scores received")
    measured = f"over HTTP, the last 10 % of the text, at least {CONTEXT} characters before each but the first"
    return {"nats_per_character": round(-sum(scores) / len(scores), 4), "characters": len(scores), "measured": measured}


def measure_temperature(daemon, data):
    days = files.read_temperatures(data)
    values = [value for _, value in days]
    first = next(index for index, (date, _) in enumerate(days) if date >= "1989")
    windows = [[[value] for value in values[day - HISTORY : day]] for day in range(first, len(values))]
    forecasts = [answer["value"][0] for answer in predict(daemon, "temperature", windows)]
    metrics = {}
    for suffix, guesses in (("", forecasts), ("_naive", values[first - 1 : -1])):
        errors = [guess - value for guess, value in zip(guesses, values[first:], strict=True)]
        metrics[f"mae{suffix}"] = round(sum(map(abs, errors)) / len(errors), 4)
        metrics[f"rmse{suffix}"] = round((sum(error**2 for error in errors) / len(errors)) ** 0.5, 4)
    measured = f"over HTTP, each day of 1989 and 1990 from the {HISTORY} before it; naive: as the day before"
    return {**metrics, "days": len(forecasts), "measured": measured}


def measure_clips(daemon, data):
    instances, made, labels = zip(*clips(data))
    answers = predict(daemon, "clips", instances, group=10)
    found = np.array([[tag["index"] for tag in answer] for answer in answers])
    hidden = f"hidden: less than {moving.HIDDEN:.0%} of the digit is in sight"
    return {**moving.score(found, labels, made), "measured": f"over HTTP, the whole test split; {hidden}"}


def measure_translations(daemon, data):
    import sacrebleu

    lines = (data / "translation" / "deu-eng-test.tsv").read_text(encoding="utf-8").splitlines()
    sources, references = zip(*(line.split("\t") for line in lines))
    bleu, table = sacrebleu.BLEU(), []
    for beams in BEAMS:
        row = []
        for penalty in PENALTIES[:1] if beams == 1 else PENALTIES:  # one hypothesis has nothing to be compared with
            answers = predict(daemon, "deu-eng", sources, group=GROUP // BEAMS[-1], beams=beams, length_penalty=penalty)
            row.append(round(bleu.corpus_score([answer["text"] for answer in answers], [references]).score, 2))
        table.append(row)
        print(f"| {beams} | {' | '.join(map(str, row + [''] * (len(PENALTIES) - len(row))))} |", flush=True)
    by_beams = {f"bleu_{beams}_beams": row[0] for beams, row in zip(BEAMS, table)}
    measured = f"over HTTP, the whole test split, beams=4; sacrebleu {bleu.get_signature()}"
    return {"bleu": by_beams.pop("bleu_4_beams"), **by_beams, "sequences": len(sources), "measured": measured}


def measure_cells(daemon, data, model="cells"):
    micrographs = boxes.read_cells(data, "test")
    path = f"/v1/models/{model}:detect?threshold=0.001&top_k=1000"
    # One at a time: two thousand regions are a queue that others are not let into.
    answers = daemon.post_all(path, "image/jpeg", [file for file, _ in micrographs.values()], connections=1)
    metrics, values, proposals = {}, [], [answer["proposals"] for answer in answers]
    for index, name in enumerate(boxes.CELLS):
        scores, right, count = [], [], 0
        for answer, (_, cells) in zip(answers, micrographs.values(), strict=True):
            found = [detection for detection in answer["detections"] if detection["index"] == index]
            cells = cells[cells[:, 0] == index, 1:]
            scores += [detection["score"] for detection in found]
            right += boxes.hits([detection["box"] for detection in found], cells)
            count += len(cells)
        values.append(boxes.average_precision(scores, right, count))
        metrics[f"ap_{name.lower()}"] = round(values[-1], 4)
    parts = ("proposals", "warps", "features", "svms")
    stages = {name: [answer["timing_ms"][name] / 1000 for answer in answers] for name in parts}
    print(f"{model}: seconds an image: " + ", ".join(f"{name} {sum(s) / len(s):.3f}" for name, s in stages.items()))
    return {
        "mean_average_precision": round(sum(values) / len(values), 4), **metrics, "images": len(answers),
        "proposals": round(sum(proposals) / len(proposals)),
        "measured": "over HTTP, the whole test split, PASCAL VOC 2010, overlap 0.5",
    }


def measure_scenes(daemon, data):
    import pictures
    import sacrebleu

    images, scenes, places = zip(*pictures.scenes("test", SCENES))
    files = [png(np.asarray(image)) for image in images]
    greedy = daemon.post_all("/v1/models/scenes:caption", "image/png", files)
    answers = daemon.post_all("/v1/models/scenes:caption?detail=attention&beams=4", "image/png", files)
    texts = [answer["text"] for answer in answers]
    right = [pictures.facts(text) == scene for text, scene in zip(texts, scenes)]
    looks = []
    for answer, is_right, scene, place in zip(answers, right, scenes, places):
        if is_right:
            looks += pictures.looks(answer["tokens"], answer["attention"]["maps"], scene, place)
    bleu = sacrebleu.BLEU()
    score = bleu.corpus_score(texts, list(zip(*map(pictures.captions, scenes)))).score
    greedily = share([pictures.facts(answer["text"]) == scene for answer, scene in zip(greedy, scenes)])
    measured = "over HTTP, beams=4, pictures with combinations of colour, shape and place that no picture of training has"
    return {
        "accuracy": share(right), "accuracy_greedy": greedily, "bleu": round(score, 2), "attention_on_thing": round(sum(looks) / len(looks), 4),
        "images": len(scenes), "measured": f"{measured}; sacrebleu {bleu.get_signature()}",
    }


OTHERS = {
    "tagger": measure_tagger, "shakespeare": measure_shakespeare, "temperature": measure_temperature,
    "clips": measure_clips, "deu-eng": measure_translations, "cells": measure_cells, "scenes": measure_scenes,
}


def predict(daemon, model, instances, group=GROUP, **parameters):
    """The predictions for `instances`, in order."""
    groups = [instances[i : i + group] for i in range(0, len(instances), group)]
    bodies = [json.dumps({"instances": part, "parameters": parameters}) for part in groups]
    answers = daemon.post_all(f"/v1/models/{model}:predict", "application/json", bodies)
    predictions = [prediction for answer in answers for prediction in answer["predictions"]]
    if len(predictions) != len(instances):
        raise RuntimeError(f"{model}: {len(instances)} sequences sent, {len(predictions)} predictions received")
    return predictions


def share(hits):
    hits = list(hits)
    return round(sum(hits) / len(hits), 4)


def measure(daemon, model, data):
    """A model's metrics for its provenance."""
    if model in TEXTS:
        examples = list(TEXTS[model](data))
        top1 = measure_texts(daemon, model, examples)
        return {"top1": top1, "sequences": len(examples), "measured": "over HTTP, the whole test split"}
    if model in OTHERS:
        return OTHERS[model](daemon, data)
    read, modes = IMAGES[model]
    examples = list(read(data))
    metrics = {}
    for mode in modes:
        suffix = "" if mode == "center" else f"_{mode}"
        metrics[f"top1{suffix}"], metrics[f"top5{suffix}"] = measure_images(daemon, model, examples, mode)
    named = " and ".join(", ".join(f"crops={mode}" for mode in part) for part in (modes[:-1], modes[-1:]))
    return {**metrics, "images": len(examples), "measured": f"over HTTP, the whole test split, {named}"}


def record(folder, metrics):
    """Replaces `provenance.metrics` in a model's `model.json`."""
    manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    manifest["provenance"]["metrics"] = metrics
    files.write_manifest(folder, manifest)


def table(measured):
    percent = lambda metrics, key: f"{100 * metrics[key]:.2f} %" if key in metrics else "–"
    modes = ["", "_ten", "_grid", "_dense"]
    heads = [f"top-{k} `{mode.strip('_') or 'center'}`" for k in (1, 5) for mode in modes]
    yield f"| model | test examples | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 2) + "|"
    for model, metrics in measured.items():
        if "top1" not in metrics:
            continue
        count = metrics.get("images", metrics.get("sequences"))
        columns = [percent(metrics, f"top{k}{mode}") for k in (1, 5) for mode in modes]
        yield f"| `{model}` | {count:,} | {' | '.join(columns)} |"


def main():
    known = [*IMAGES, *TEXTS, *OTHERS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=known, help=f"which to measure (default: {' '.join(known)})")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--models-folder", type=Path, help="write the metrics into this folder's model.json files")
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    if unknown := set(options.models) - set(known):
        parser.error(f"unknown model {', '.join(sorted(unknown))}; known are {', '.join(known)}")

    daemon = Daemon(options.url, options.connections)
    measured = {}
    for model in options.models:
        start = time.time()
        measured[model] = measure(daemon, model, options.data)
        print(f"{model}: {measured[model]} in {time.time() - start:.0f} s", flush=True)
        if options.models_folder:
            record(options.models_folder / model, measured[model])
    print("\n".join(["", *table(measured)]))


if __name__ == "__main__":
    main()
