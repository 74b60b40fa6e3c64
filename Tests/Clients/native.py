"""What the clients' tests share: Martlet's own answers to compare with, and a line for each client that passed."""
import importlib.metadata
import json
import os
import pathlib
import urllib.request

URL = os.environ["MARTLET_URL"]
SINGLE_URL = os.environ["MARTLET_SINGLE_URL"]
HOST = URL.removeprefix("http://")
EXAMPLES = pathlib.Path(os.environ["MARTLET_WEIGHTS"]) / "examples"
SEVEN = EXAMPLES / "digit-7.png"
THREE = EXAMPLES / "digit-3.png"
TEXT = "A deeply moving film ; the cast is superb ."
SERIES = [[10.0], [12.5], [9.75], [14.0], [11.0], [8.5]]


def ask(path, body, type="application/octet-stream", url=URL):
    """The JSON that Martlet itself answers."""
    request = urllib.request.Request(url + path, body, {"Content-Type": type}, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def classes(image=SEVEN, top_k=5, model="digits"):
    """The likeliest classes of an image: label, probability, logit."""
    return ask(f"/v1/models/{model}:classify?top_k={top_k}", image.read_bytes())["predictions"]


def predict(model, instance, **parameters):
    """The prediction for one sequence."""
    body = json.dumps({"instances": [instance], "parameters": parameters}).encode()
    return ask(f"/v1/models/{model}:predict", body, "application/json")["predictions"][0]


def generate(prompt, **parameters):
    """A text of the model that continues Shakespeare."""
    body = json.dumps({"prompt": prompt, **parameters}).encode()
    return ask("/v1/models/shakespeare:generate", body, "application/json")


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r}, but Martlet's own answer is {expected!r}"


def passed(protocol, package, called, client=None):
    """Reports a client; `package` is the one whose version counts, or a pair of name and version."""
    version = package[1] if isinstance(package, tuple) else importlib.metadata.version(package)
    name = client or (package[0] if isinstance(package, tuple) else package)
    print(json.dumps({"protocol": protocol, "client": name, "version": version, "called": called}))
