"""TensorFlow Serving's REST API, as its documentation and its examples call it: with requests."""
import base64
import json

import requests

from native import SERIES, SEVEN, TEXT, THREE, URL, classes, passed, predict, same

session = requests.Session()


def encoded(image):
    return {"b64": base64.b64encode(image.read_bytes()).decode()}


def post(path, body):
    answer = session.post(f"{URL}/v1/models/{path}", data=json.dumps(body))
    answer.raise_for_status()
    return answer.json()


def probabilities(predictions):
    return [(entry["label"], entry["probability"]) for entry in predictions]


seven, three = classes(SEVEN, 10), classes(THREE, 10)

# tensorflow_serving/example/resnet_client.py: JSON without a Content-Type, a row for each image.
rows = post("digits:predict", {"instances": [encoded(SEVEN)]})["predictions"]
same(probabilities(rows), probabilities(seven[:1]), "row")
rows = post("digits:predict", {"signature_name": "serving_default",
                               "instances": [{"image_bytes": encoded(SEVEN)}, {"image_bytes": encoded(THREE)}]})
same(probabilities(rows["predictions"]), probabilities([seven[0], three[0]]), "named rows")

# Columns: a list for each output.
for inputs in ([encoded(SEVEN), encoded(THREE)], {"image_bytes": [encoded(SEVEN), encoded(THREE)]}):
    columns = post("digits:predict", {"inputs": inputs})["outputs"]
    same(list(zip(columns["label"], columns["probability"])), probabilities([seven[0], three[0]]), "columns")
name = predict("surnames", "Takahashi")
same(post("surnames:predict", {"inputs": {"text": ["Takahashi"]}})["outputs"],
     {key: [value] for key, value in name.items()}, "a text as a column")
tags = predict("tagger", TEXT)
same(post("tagger:predict", {"inputs": [TEXT]})["outputs"]["label"], [[tag["label"] for tag in tags]], "tags as columns")
value = predict("temperature", SERIES)["value"]
same(post("temperature:predict", {"inputs": [SERIES]})["outputs"], [value], "the one output's name is left out")

# Classification and regression.
scores = predict("surnames", "Takahashi", scores=True)["scores"]
answer = post("surnames:classify", {"examples": [{"text": "Takahashi"}, {"text": "Papadopoulos"}]})["results"]
same([tuple(entry) for entry in answer[0]], probabilities(scores), "examples of texts")
assert len(answer) == 2
answer = post("digits:classify", {"signature_name": "classify", "examples": [{"image_bytes": encoded(SEVEN)}]})["results"]
same([tuple(entry) for entry in answer[0]], probabilities(seven), "examples of images")
same(post("temperature:regress", {"examples": [{"features": SERIES}]})["results"], value, "regression")

# Versions, by number and by label.
for path in ("versioned/versions/1", "versioned/labels/stable", "versioned/labels/latest"):
    same(probabilities(post(f"{path}:predict", {"instances": [encoded(SEVEN)]})["predictions"]),
         probabilities(seven[:1]), path)
status = session.get(f"{URL}/v1/models/versioned").json()["model_version_status"]
assert [(entry["version"], entry["state"]) for entry in status] == [("1", "AVAILABLE"), ("2", "AVAILABLE")], status
assert session.get(f"{URL}/v1/models/versioned/labels/stable").json()["version"] == "1"
assert session.get(f"{URL}/v1/models/versioned/labels/canary").status_code == 404

metadata = session.get(f"{URL}/v1/models/digits/metadata").json()
assert metadata["model_spec"]["name"] == "digits"
signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
assert signature["inputs"]["image_bytes"]["dtype"] == "DT_STRING", signature
assert set(signature["outputs"]) == {"label", "index", "probability"}, signature

# Refusals.
for path, body, status in (
        ("nothing:predict", {"instances": ["x"]}, 404), ("versioned/versions/9:predict", {"instances": ["x"]}, 404),
        ("digits:predict", {"instances": [encoded(SEVEN)], "inputs": [encoded(SEVEN)]}, 400),
        ("digits:predict", {"signature_name": "other", "instances": [encoded(SEVEN)]}, 400),
        ("digits:regress", {"examples": [{"image_bytes": encoded(SEVEN)}]}, 400),
        ("surnames:predict", {"inputs": {"words": ["x"]}}, 400)):
    answer = session.post(f"{URL}/v1/models/{path}", data=json.dumps(body))
    assert answer.status_code == status and isinstance(answer.json()["error"], str), (path, answer.text)

passed("TensorFlow Serving", "requests", "`:predict` with rows and columns, `:classify`, `:regress`, `/metadata`, status, "
       "`/versions/{v}`, `/labels/{l}`, refusals")
