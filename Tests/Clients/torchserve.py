"""TorchServe's inference API, as its documentation calls it: with curl and requests."""
import json
import subprocess

import requests

from native import SERIES, SEVEN, TEXT, THREE, URL, classes, generate, passed, predict, same

session = requests.Session()


def own(image=SEVEN):
    return [(entry["label"], entry["probability"]) for entry in classes(image)]


def pairs(answer):
    answer.raise_for_status()
    return list(answer.json().items())


def curl(*arguments):
    return json.loads(subprocess.run(["curl", "-sS", *arguments], capture_output=True, check=True, text=True).stdout)


image = f"{URL}/predictions/digits"
# docs/inference_api.md
same(list(curl(image, "-T", str(SEVEN)).items()), own(), "curl -T")
same(list(curl("-X", "POST", image, "-F", f"data=@{SEVEN}").items()), own(), "curl -F")
same(list(curl("-X", "POST", image, "--data-binary", f"@{SEVEN}").items()), own(), "curl --data-binary")
same(pairs(session.post(image, data=SEVEN.read_bytes())), own(), "a raw body")
same(pairs(session.put(image, data=SEVEN.read_bytes())), own(), "PUT")
same(pairs(session.post(image, files={"data": SEVEN.open("rb")})), own(), "a file named data")
same(pairs(session.post(image, files={"body": SEVEN.open("rb")})), own(), "a file named body")
same(pairs(session.post(f"{URL}/predictions/versioned/1", data=SEVEN.read_bytes())), own(), "a version")
several = session.post(image, files=[("data", SEVEN.open("rb")), ("data", THREE.open("rb"))]).json()
same([list(entry.items()) for entry in several], [own(), own(THREE)], "several files")

text = f"{URL}/predictions/surnames"
scores = [(entry["label"], entry["probability"]) for entry in predict("surnames", "Takahashi", top_k=5)["scores"]]
for what, answer in (("text", session.post(text, data="Takahashi")), ("a form", session.post(text, data={"data": "Takahashi"})),
                     ("a part", session.post(text, files={"data": ("name.txt", "Takahashi\n")})),
                     ("JSON", session.post(text, json={"data": "Takahashi"}))):
    same(pairs(answer), scores, what)
tags = [[tag["token"], tag["label"]] for tag in predict("tagger", TEXT)]
same(session.post(f"{URL}/predictions/tagger", data=TEXT).json(), tags, "tags")
same(session.post(f"{URL}/predictions/temperature", json=SERIES).json(), predict("temperature", SERIES)["value"], "values")
prompt = "ROMEO:"
same(session.post(f"{URL}/predictions/shakespeare", data=prompt).text,
     prompt + generate(prompt, temperature=0)["text"], "a text")

same(session.get(f"{URL}/ping").json(), {"status": "Healthy"}, "ping")
listed = session.get(f"{URL}/models", params={"limit": 2}).json()
rest = session.get(f"{URL}/models", params={"next_page_token": listed["nextPageToken"]}).json()
names = [model["modelName"] for model in listed["models"] + rest["models"]]
same(names, [model["name"] for model in session.get(f"{URL}/v1/models").json()["models"]], "the models")
described = session.get(f"{URL}/models/versioned").json()
assert [(model["modelVersion"], model["workers"][0]["status"]) for model in described] == [("2", "READY")], described
assert [model["modelVersion"] for model in session.get(f"{URL}/models/versioned/all").json()] == ["1", "2"]

for answer, status, kind in (
        (session.post(f"{URL}/predictions/nothing", data=b"x"), 404, "ModelNotFoundException"),
        (session.post(f"{URL}/predictions/digits/9", data=b"x"), 404, "ModelVersionNotFoundException"),
        (session.post(image, data=b"no image"), 422, "BadRequestException")):
    body = answer.json()
    assert (answer.status_code, body["code"], body["type"]) == (status, status, kind) and body["message"], body

version = subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout.split()[1]
passed("TorchServe", ("curl", version), "`/predictions/{m}`: `-T`, `-F data=@`, `--data-binary`")
passed("TorchServe", "requests", "`/predictions/{m}[/{v}]` raw, as form, as JSON; `/ping`, `/models`, `/models/{m}[/all]`, refusals")
