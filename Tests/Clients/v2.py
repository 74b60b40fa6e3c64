#!/usr/bin/env python3
"""Open Inference Protocol V2: an unmodified `tritonclient[http]`, the pattern of Triton's image_client.py, and the HTTP
calls of perf_analyzer, against a live daemon; answers are compared with the native endpoints' bit for bit.

    Tests/Clients/v2.py     against the daemon at MARTLET_URL, which serves the bundled models, or one of its own

Needs tritonclient[http], numpy and Pillow. Prints a line of JSON for each client that passed, and ends with 1 when one did not.
"""
import asyncio
import base64
import http.client
import importlib.metadata
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import urllib.parse

import ml_dtypes
import numpy
import tritonclient.http as triton
import tritonclient.http.aio as aio
from PIL import Image
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Harness"))
from daemon import WEIGHTS, Daemon, binary

EXAMPLES = ROOT / "weights/examples"
DIGIT = (EXAMPLES / "digit-7.png").read_bytes()
OTHER = (EXAMPLES / "digit-3.png").read_bytes()


class Martlet:
    """The daemon under test, by its clients."""

    def __init__(self, url, binary):
        self.host = urllib.parse.urlsplit(url).netloc
        self.binary = binary
        self.client = triton.InferenceServerClient(self.host, concurrency=4)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer, answer.read()

    def native(self, path, body, kind="application/json"):
        answer, text = self.ask("POST", path, body, {"Content-Type": kind})
        assert answer.status == 200, text
        return json.loads(text)

    def classes(self, model, image, key="probability"):
        """What `:classify` says of each class, by its number."""
        listed = self.native(f"/v1/models/{model}:classify?top_k=1000", image, "image/png")["predictions"]
        values = numpy.zeros(len(listed), numpy.float32)
        for entry in listed:
            values[entry["index"]] = numpy.float32(entry[key])
        return values

    def scores(self, model, instance):
        """What `:predict` says of each class, by its number."""
        body = {"instances": [instance], "parameters": {"scores": True}}
        listed = self.native(f"/v1/models/{model}:predict", json.dumps(body))["predictions"][0]
        rows = listed if isinstance(listed, list) else [listed]
        values = numpy.zeros((len(rows), len(rows[0]["scores"])), numpy.float32)
        for row, step in zip(values, rows):
            for entry in step["scores"]:
                row[entry["index"]] = numpy.float32(entry["probability"])
        return values

    def tensor(self, image, model="digits"):
        """What the network sees of an image, as `martlet tensor` writes it."""
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "image").write_bytes(image)
            subprocess.run(
                [self.binary, "tensor", f"{folder}/image", "--model", model, "--models", str(ROOT / "weights"),
                 "--crops", "center", "--output", f"{folder}/out.safetensors"], check=True, capture_output=True)
            data = (pathlib.Path(folder) / "out.safetensors").read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        entry = json.loads(data[8:8 + length])["input"]
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        return numpy.frombuffer(data[start:end], "<f4").reshape(entry["shape"]).copy()


def given(data, kind=None, binary=True, name="input"):
    tensor = triton.InferInput(name, list(data.shape), kind or triton_type(data))
    tensor.set_data_from_numpy(data, binary_data=binary)
    return tensor


def triton_type(data):
    from tritonclient.utils import np_to_triton_dtype
    return np_to_triton_dtype(data.dtype)


def texts(*values):
    return numpy.array([[value] for value in values], dtype=object)


def same(found, expected, what):
    assert found.dtype == expected.dtype, f"{what}: {found.dtype}, not {expected.dtype}"
    assert found.shape == expected.shape, f"{what}: {found.shape}, not {expected.shape}"
    assert numpy.array_equal(found, expected), f"{what}: {found} is not {expected}"


def refused(call, *words):
    try:
        call()
    except InferenceServerException as error:
        assert all(word in error.message() for word in words), error.message()
        return error
    raise AssertionError(f"not refused: {words}")


# Checks: what tritonclient offers, one after another.


def health(martlet):
    client = martlet.client
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
    assert client.is_model_ready("digits", "1") and not client.is_model_ready("nothing")


def server_metadata(martlet):
    metadata = martlet.client.get_server_metadata()
    assert metadata["name"] == "martlet" and metadata["version"], metadata
    assert {"binary_tensor_data", "classification", "statistics", "model_repository"} <= set(metadata["extensions"])
    for absent in ["trace", "logging", "system_shared_memory", "cuda_shared_memory", "schedule_policy"]:
        assert absent not in metadata["extensions"], absent


def model_metadata(martlet):
    metadata = martlet.client.get_model_metadata("digits")
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 1, 32, 32]}], metadata
    assert metadata["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}], metadata
    assert metadata["versions"] == ["1"] and metadata["platform"], metadata
    assert martlet.client.get_model_metadata("digits", "1")["versions"] == ["1"]
    config = martlet.client.get_model_config("digits")
    assert config["input"][0]["format"] == "FORMAT_NCHW" and config["input"][0]["dims"] == [1, 32, 32], config
    assert config["output"][0]["label_filename"] == "labels.txt" and config["max_batch_size"] >= 64, config
    refused(lambda: martlet.client.get_model_metadata("digit"), "digits")
    refused(lambda: martlet.client.get_model_metadata("digits", "9"), "version")


def encoded_images(martlet):
    expected = numpy.stack([martlet.classes("digits", DIGIT), martlet.classes("digits", OTHER)])
    for data in [numpy.array([DIGIT, OTHER], dtype=object), numpy.array([[DIGIT], [OTHER]], dtype=object)]:
        result = martlet.client.infer("digits", [given(data)], request_id="two")
        same(result.as_numpy("probabilities"), expected, "BYTES images")
        assert result.get_response()["id"] == "two"
    body = {"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES",
                        "data": [base64.b64encode(DIGIT).decode()]}]}
    answer = martlet.native("/v2/models/digits/infer", json.dumps(body))
    assert answer["model_name"] == "digits" and answer["model_version"] == "1" and "id" not in answer
    same(numpy.array(answer["outputs"][0]["data"], numpy.float32), expected[0], "base64 in JSON")


def image_tensors(martlet):
    batch = numpy.concatenate([martlet.tensor(DIGIT), martlet.tensor(OTHER)])
    outputs = [triton.InferRequestedOutput("logits"), triton.InferRequestedOutput("probabilities", binary_data=False)]
    for key, name in [("logit", "logits"), ("probability", "probabilities")]:
        expected = numpy.stack([martlet.classes("digits", image, key) for image in (DIGIT, OTHER)])
        for binary in [True, False]:
            result = martlet.client.infer("digits", [given(batch, binary=binary)], model_version="1", outputs=outputs)
            same(result.as_numpy(name), expected, f"{name} of tensors, binary: {binary}")
    plain = martlet.classes("digits", DIGIT)
    result = martlet.client.infer("digits", [given(batch[:1].astype(numpy.float64))])
    same(result.as_numpy("probabilities")[0], plain, "FP64")
    zeros = numpy.zeros((1, 1, 32, 32))
    expected = martlet.client.infer("digits", [given(zeros.astype(numpy.float32))]).as_numpy("probabilities")
    for kind in ["float16", "uint8", "int8", "int32", "uint16", "int64"]:
        result = martlet.client.infer("digits", [given(zeros.astype(kind))])
        same(result.as_numpy("probabilities"), expected, kind)
    result = martlet.client.infer("digits", [given(zeros.astype(ml_dtypes.bfloat16), "BF16")])
    same(result.as_numpy("probabilities"), expected, "BF16")


def classification(martlet):
    outputs = [triton.InferRequestedOutput("probabilities", class_count=3)]
    found = martlet.client.infer("digits", [given(numpy.array([DIGIT], dtype=object))], outputs=outputs)
    listed = martlet.native("/v1/models/digits:classify?top_k=3", DIGIT, "image/png")["predictions"]
    expected = [f"{numpy.float32(entry['probability']):f}:{entry['index']}:{entry['label']}".encode() for entry in listed]
    same(found.as_numpy("probabilities"), numpy.array([expected], dtype=object), "classes")


def sequences_of_text(martlet):
    names = ["Takahashi", "O'Neill"]
    result = martlet.client.infer("surnames", [given(texts(*[name.encode() for name in names]))])
    expected = numpy.concatenate([martlet.scores("surnames", name) for name in names])
    same(result.as_numpy("probabilities"), expected, "texts")
    tagged = martlet.client.infer("tagger", [given(texts(b"The cat sat .", b"Dogs bark ."))])
    longer, shorter = (martlet.scores("tagger", text) for text in ["The cat sat .", "Dogs bark ."])
    same(tagged.as_numpy("steps"), numpy.array([[4], [3]]), "steps")
    same(tagged.as_numpy("probabilities")[0], longer, "tags")
    same(tagged.as_numpy("probabilities")[1, :3], shorter, "shorter tags")
    assert not tagged.as_numpy("probabilities")[1, 3:].any()
    likely = martlet.client.infer("shakespeare", [given(texts(b"To be, or not to be"))])
    native = martlet.native("/v1/models/shakespeare:predict", json.dumps({"instances": ["To be, or not to be"]}))
    same(likely.as_numpy("log_likelihood"), numpy.array([[native["predictions"][0]["log_likelihood"]]]), "likelihood")


def sequences_of_numbers(martlet):
    steps = numpy.linspace(5, 20, 30, dtype=numpy.float32).reshape(1, 30, 1)
    body = {"instances": steps.tolist(), "parameters": {"horizon": 3}}
    native = martlet.native("/v1/models/temperature:predict", json.dumps(body))["predictions"][0]
    same(martlet.client.infer("temperature", [given(steps)]).as_numpy("values"),
         numpy.array([native["value"]], numpy.float32), "values")
    ahead = martlet.client.infer("temperature", [given(steps)], parameters={"horizon": 3}).as_numpy("values")
    same(ahead, numpy.array([native["forecast"]], numpy.float32), "forecast")
    padded = numpy.concatenate([steps, steps])
    lengths = given(numpy.array([[30], [12]]), name="lengths")
    both = martlet.client.infer("temperature", [given(padded), lengths]).as_numpy("values")
    short = martlet.client.infer("temperature", [given(steps[:, :12])]).as_numpy("values")
    same(both, numpy.array([native["value"], short[0]], numpy.float32), "lengths")


def stateful_sequences(martlet):
    steps = numpy.linspace(5, 20, 30, dtype=numpy.float32).reshape(1, 30, 1)
    whole = martlet.client.infer("temperature", [given(steps)]).as_numpy("values")
    for name in ["a stream", (1 << 64) - 1, 7]:
        for start in range(0, 30, 10):
            last = martlet.client.infer(
                "temperature", [given(steps[:, start:start + 10].copy())], sequence_id=name,
                sequence_start=start == 0, sequence_end=start == 20)
        same(last.as_numpy("values"), whole, f"sequence {name}")
        refused(lambda: martlet.client.infer("temperature", [given(steps)], sequence_id=name), "sequence_start")


def asynchronous(martlet):
    data = [given(numpy.array([DIGIT], dtype=object))]
    expected = martlet.classes("digits", DIGIT)
    for result in [martlet.client.async_infer("digits", data, request_id=str(index)) for index in range(16)]:
        same(result.get_result().as_numpy("probabilities")[0], expected, "async_infer")


def with_asyncio(martlet):
    async def ask():
        async with aio.InferenceServerClient(martlet.host) as client:
            assert await client.is_model_ready("digits")
            data = [given(numpy.array([DIGIT], dtype=object))]
            return await asyncio.gather(*[client.infer("digits", data) for _ in range(8)])
    expected = martlet.classes("digits", DIGIT)
    for result in asyncio.run(ask()):
        same(result.as_numpy("probabilities")[0], expected, "aio")


def compression(martlet):
    data = [given(martlet.tensor(DIGIT))]
    expected = martlet.classes("digits", DIGIT)
    if not accepts_gzip(martlet):
        refused(lambda: martlet.client.infer("digits", data, request_compression_algorithm="gzip"), "gzip")
        return "request bodies are not compressed yet"
    for name in ["gzip", "deflate"]:
        result = martlet.client.infer(
            "digits", data, request_compression_algorithm=name, response_compression_algorithm=name)
        same(result.as_numpy("probabilities")[0], expected, name)


def accepts_gzip(martlet):
    import gzip
    answer, _ = martlet.ask("POST", "/v1/models/surnames:predict", gzip.compress(b'{"instances": ["Kim"]}'),
                            {"Content-Encoding": "gzip", "Content-Type": "application/json"})
    return answer.status == 200


def limits_and_timeouts(martlet):
    data = [given(numpy.array([DIGIT], dtype=object))]
    same(martlet.client.infer("digits", data, timeout=5_000_000, priority=1).as_numpy("probabilities")[0],
         martlet.classes("digits", DIGIT), "timeout and priority")
    error = refused(lambda: martlet.client.infer("digits", data, timeout=1), "")
    assert error.status() in ("504", "503"), error.status()


def refusals(martlet):
    client = martlet.client
    good = numpy.zeros((1, 1, 32, 32), numpy.float32)
    refused(lambda: client.infer("digits", [given(good[:, :, :31].copy())]), "shape")
    refused(lambda: client.infer("digits", [given(good.reshape(1, 1, 1024))]), "shape")
    refused(lambda: client.infer("digits", [given(good, name="x")]), "input")
    refused(lambda: client.infer("digits", [given(good), given(good)]), "twice")
    refused(lambda: client.infer("digits", [given(good)], outputs=[triton.InferRequestedOutput("x")]), "probabilities")
    refused(lambda: client.infer("digits", [given(good + numpy.nan)]), "finite")
    refused(lambda: client.infer("nothing", [given(good)]), "unknown model")
    refused(lambda: client.infer("surnames", [given(good)]), "BYTES")
    refused(lambda: client.infer("digits", [given(numpy.array([b"no image"], dtype=object))]), "JPEG")
    refused(lambda: client.infer("digits", [given(good.astype(bool))]), "BOOL")
    for call in [client.get_trace_settings, client.get_log_settings, client.get_system_shared_memory_status,
                 client.get_cuda_shared_memory_status, client.unregister_system_shared_memory]:
        assert refused(call, "").status() == "501", call
    data = b'{"inputs": [{"name": "input", "shape": [1, 1, 32, 32], "datatype": "FP32", "parameters": {"binary_data_size": 4096}}]}'
    for length, body in [(len(data) + 1, data + bytes(4096)), (len(data), data + bytes(4095)), (-1, data),
                         (len(data), data + bytes(4097)), (1 << 40, data)]:
        answer, text = martlet.ask("POST", "/v2/models/digits/infer", body, {"Inference-Header-Content-Length": str(length)})
        assert answer.status == 400 and json.loads(text)["error"], (length, answer.status, text)


def raw_requests(martlet):
    """`Inference-Header-Content-Length: 0`: the body is the data of the one input."""
    tensor, name = martlet.tensor(DIGIT), "Takahashi"
    for model, body, expected in [
            ("digits", tensor.tobytes(), martlet.classes("digits", DIGIT)),
            ("digits", DIGIT, martlet.classes("digits", DIGIT)),
            ("surnames", name.encode(), martlet.scores("surnames", name)[0])]:
        answer, data = martlet.ask("POST", f"/v2/models/{model}/infer", body, {"Inference-Header-Content-Length": "0"})
        assert answer.status == 200, data
        length = int(answer.headers["Inference-Header-Content-Length"])
        size = json.loads(data[:length])["outputs"][0]["parameters"]["binary_data_size"]
        same(numpy.frombuffer(data[length:length + size], "<f4"), expected, f"raw request to {model}")


def statistics(martlet):
    def read():
        return martlet.client.get_inference_statistics("digits", "1")["model_stats"][0]
    before = read()
    martlet.client.infer("digits", [given(numpy.zeros((8, 1, 32, 32), numpy.float32))])
    refused(lambda: martlet.client.infer("digits", [given(numpy.zeros((1, 2), numpy.float32))]), "shape")
    after = read()
    assert after["inference_count"] - before["inference_count"] == 8, (before, after)
    runs = after["execution_count"] - before["execution_count"]
    assert runs >= 1, (before, after)
    for key, count in [("success", 1), ("fail", 1), ("queue", 1), ("compute_infer", 1)]:
        found = after["inference_stats"][key]["count"] - before["inference_stats"][key]["count"]
        assert found == count, (key, found)
        assert after["inference_stats"][key]["ns"] > before["inference_stats"][key]["ns"], key
    assert sum(entry["compute_infer"]["count"] for entry in after["batch_stats"]) == after["execution_count"]
    assert sum(entry["batch_size"] * entry["compute_infer"]["count"] for entry in after["batch_stats"]) \
        == after["inference_count"], after
    assert after["memory_usage"][0]["byte_size"] > 0 and after["last_inference"] > 1_700_000_000_000
    names = [entry["name"] for entry in martlet.client.get_inference_statistics()["model_stats"]]
    assert "digits" in names and "surnames" in names


def repository(martlet):
    client = martlet.client

    def state():
        return [entry["state"] for entry in client.get_model_repository_index() if entry["name"] == "sentiment"]
    assert state() == ["READY"], state()
    client.unload_model("sentiment")
    assert state()[0] in ("UNAVAILABLE", "UNLOADING") and not client.is_model_ready("sentiment")
    client.load_model("sentiment")
    assert state() == ["READY"] and client.is_model_ready("sentiment")
    refused(lambda: client.load_model("sentiment", config="{}"), "parameters")
    refused(lambda: client.load_model("nothing"), "nothing")


def image_client(martlet):
    """What Triton's image_client.py does of a model that it knows nothing of."""
    client = martlet.client
    metadata, config = client.get_model_metadata("digits"), client.get_model_config("digits")
    assert len(metadata["inputs"]) == 1 and len(metadata["outputs"]) == 1 and len(config["input"]) == 1
    given_, output, layout = metadata["inputs"][0], metadata["outputs"][0], config["input"][0]
    assert output["datatype"] == "FP32" and config["max_batch_size"] > 0
    assert sum(size > 1 for size in output["shape"][1:]) <= 1 and len(given_["shape"]) == 4
    assert layout["format"] in ("FORMAT_NCHW", "FORMAT_NHWC")
    channels, height, width = given_["shape"][1:]
    image = Image.open(EXAMPLES / "pagoda.jpg").convert("L" if channels == 1 else "RGB").resize((width, height))
    typed = numpy.array(image).astype(triton_to_np_dtype(given_["datatype"]))
    typed = typed[:, :, numpy.newaxis] if typed.ndim == 2 else typed
    scaled = numpy.transpose(typed / 127.5 - 1, (2, 0, 1)).astype(numpy.float32)
    batch = numpy.stack([scaled, scaled])
    tensor = triton.InferInput(given_["name"], batch.shape, given_["datatype"])
    tensor.set_data_from_numpy(batch)
    answer = client.infer("digits", [tensor], request_id="1",
                          outputs=[triton.InferRequestedOutput(output["name"], class_count=2)])
    rows = answer.as_numpy(output["name"])
    assert len(rows) == 2
    for row in rows:
        for entry in row:
            value, index, label = "".join(chr(letter) for letter in entry).split(":")
            assert float(value) >= 0 and int(index) >= 0 and label


def perf_analyzer(martlet):
    """The requests of perf_analyzer's C++ client, byte by byte: it always says how long the JSON is."""
    for path in ["/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"]:
        assert martlet.ask("GET", path)[0].status == 200, path
    extensions = json.loads(martlet.ask("GET", "/v2")[1])["extensions"]
    assert "statistics" in extensions
    metadata = json.loads(martlet.ask("GET", "/v2/models/digits")[1])
    config = json.loads(martlet.ask("GET", "/v2/models/digits/config")[1])
    assert config["model_transaction_policy"]["decoupled"] is False and config["max_batch_size"] >= 1
    assert config["response_cache"]["enable"] is False and "dynamic_batching" in config
    assert "sequence_batching" not in config and "ensemble_scheduling" not in config
    assert {tensor["name"] for tensor in metadata["inputs"]} == {tensor["name"] for tensor in config["input"]}
    before = json.loads(martlet.ask("GET", "/v2/models/digits/stats")[1])["model_stats"][0]
    tensor = martlet.tensor(DIGIT).tobytes()
    head = json.dumps({"id": "0", "inputs": [{"name": "input", "shape": [1, 1, 32, 32], "datatype": "FP32",
                                              "parameters": {"binary_data_size": len(tensor)}}],
                       "outputs": [{"name": "probabilities", "parameters": {"binary_data": True}}]}).encode()
    for _ in range(50):
        answer, data = martlet.ask("POST", "/v2/models/digits/infer", head + tensor, {
            "Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream",
            "Expect": "", "Accept": "*/*"})
        assert answer.status == 200, data
        length = int(answer.headers["Inference-Header-Content-Length"])
        assert json.loads(data[:length])["id"] == "0"
        same(numpy.frombuffer(data[length:], "<f4"), martlet.classes("digits", DIGIT), "perf_analyzer")
    after = json.loads(martlet.ask("GET", "/v2/models/digits/versions/1/stats")[1])["model_stats"][0]
    assert after["inference_stats"]["success"]["count"] >= before["inference_stats"]["success"]["count"] + 50


CLIENTS = {
    ("tritonclient", "`tritonclient.http`"): [
        health, server_metadata, model_metadata, encoded_images, image_tensors, classification, sequences_of_text,
        sequences_of_numbers, stateful_sequences, asynchronous, with_asyncio, compression, limits_and_timeouts, refusals,
        raw_requests, statistics, repository],
    ("image_client.py", "what Triton's example does"): [image_client],
    ("perf_analyzer", "its HTTP requests, sent again"): [perf_analyzer],
}


def run(url):
    """Runs all checks against a daemon; returns whether one failed."""
    martlet = Martlet(url, binary())
    failed = False
    for (client, called), checks in CLIENTS.items():
        passed = []
        for check in checks:
            try:
                check(martlet)
                passed.append(check.__name__.replace("_", " "))
            except Exception as error:  # whatever a client makes of a wrong answer
                failed = True
                print(f"{client}: {check.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
        if len(passed) == len(checks):
            version = importlib.metadata.version("tritonclient")
            called += ": " + ", ".join(passed) if len(checks) > 1 else ""
            print(json.dumps({"protocol": "Open Inference V2", "client": client, "version": version, "called": called}))
    return failed


def main():
    if url := os.environ.get("MARTLET_URL"):
        sys.exit(run(url))
    daemon = Daemon(WEIGHTS)
    failed = run(f"http://127.0.0.1:{daemon.port}")
    assert daemon.stop() == 0, daemon.log()[-2000:]
    sys.exit(failed)


if __name__ == "__main__":
    main()
