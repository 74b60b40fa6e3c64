"""Lays out the test splits of the bundled models for `martlet evaluate`, `compare` and `classify`.

Images become a folder with a folder for each class; texts a CSV; tagged sentences, windows of Shakespeare, days of
temperatures and clips, which have no one class, JSON lines. They are the examples that `measure.py` sends over HTTP, so that both
find the same.

    python splits.py --data DATA --output splits digits surnames
    martlet evaluate digits splits/digits
    martlet evaluate surnames splits/surnames.csv
"""

import argparse
import csv
import json
from pathlib import Path

import files
import moving
from measure import CONTEXT, HISTORY, IMAGES, TEXTS, WINDOW
from measure import clips as moving_digits


def images(examples, folder):
    for number, (encoded, label) in enumerate(examples):
        suffix = "png" if encoded.startswith(b"\x89PNG") else "jpg"
        place = folder / label / f"{number:05}.{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded)
    return folder


def table(examples, path):
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows(examples)
    return path


def json_lines(objects, path):
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in objects), encoding="utf-8")
    return path


def tagger(data):
    for sentence in files.read_tagged(data / "ud-ewt-pos" / "test.tsv"):
        yield {"instance": [word for word, _ in sentence], "labels": [tag for _, tag in sentence]}


def shakespeare(data):
    text = (data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    text = text[len(text) * 9 // 10 :]
    for start in range(0, len(text) - CONTEXT, WINDOW - CONTEXT):
        yield {"instance": text[start : start + WINDOW], "context": CONTEXT if start else 0}


def temperature(data):
    days = files.read_temperatures(data)
    values = [value for _, value in days]
    first = next(index for index, (date, _) in enumerate(days) if date >= "1989")
    for day in range(first, len(values)):
        yield {"instance": [[value] for value in values[day - HISTORY : day]], "values": [values[day]]}


def clips(data):
    for instance, clip, digit in moving_digits(data):
        numbers = digit * len(moving.DIRECTIONS) + clip.directions
        yield {"instance": instance, "labels": [moving.LABELS[number] for number in numbers]}


LINES = {"tagger": tagger, "shakespeare": shakespeare, "temperature": temperature, "clips": clips}


def main():
    known = [*IMAGES, *TEXTS, *LINES]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=known, help=f"whose splits (default: {' '.join(known)})")
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--output", type=Path, required=True, help="folder to write to")
    options = parser.parse_args()
    if unknown := set(options.models) - set(known):
        parser.error(f"unknown model {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    options.output.mkdir(parents=True, exist_ok=True)
    for model in options.models:
        if model in IMAGES:
            print(images(IMAGES[model][0](options.data), options.output / model))
        elif model in TEXTS:
            print(table(TEXTS[model](options.data), options.output / f"{model}.csv"))
        else:
            print(json_lines(LINES[model](options.data), options.output / f"{model}.jsonl"))


if __name__ == "__main__":
    main()
