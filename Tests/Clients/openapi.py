"""/openapi.json: what schemathesis makes of it against the daemon, and a client that openapi-python-client makes of it."""
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

from native import SEVEN, URL, classes, passed, same

HERE = pathlib.Path(__file__).resolve().parent


def run(folder, *command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env={**os.environ, **environment})
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-20000:]}{done.stderr[-4000:]}"
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    # 501 is the answer of what Triton has and Martlet has not.
    (pathlib.Path(folder) / "schemathesis.toml").write_text(
        '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 501]\n')
    # `positive_data_acceptance` is left out: no schema says which text is a prompt that a model can take.
    run(folder, "st", "run", f"{URL}/openapi.json", "--seed", "1", "--generation-deterministic", "--max-examples", "10",
        "--phases", "examples,coverage,fuzzing", "--exclude-checks", "positive_data_acceptance", "--warnings", "off",
        "--no-color", SCHEMATHESIS_HOOKS="openapi_hooks", PYTHONPATH=str(HERE))
passed("OpenAPI 3.1", "schemathesis", "every operation: examples, coverage, fuzzing")

with tempfile.TemporaryDirectory() as folder:
    run(folder, "openapi-python-client", "generate", "--url", f"{URL}/openapi.json", "--meta", "none",
        "--output-path", f"{folder}/martlet_client")
    sys.path.insert(0, folder)
    client = importlib.import_module("martlet_client").Client(base_url=URL)
    package = "martlet_client.api.martlet.post_v1_models_model_classify"
    types = importlib.import_module("martlet_client.types")
    with SEVEN.open("rb") as image:
        answer = importlib.import_module(package).sync_detailed(
            "digits", client=client, body=types.File(payload=image, file_name="seven.png"), top_k=5)
    assert answer.status_code == 200, answer
    same([(entry.label, entry.probability) for entry in answer.parsed.predictions],
         [(entry["label"], entry["probability"]) for entry in classes()], "the generated client")
passed("OpenAPI 3.1", "openapi-python-client", "a generated client posts an image to `:classify`")
