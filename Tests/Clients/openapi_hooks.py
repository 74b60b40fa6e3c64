"""What schemathesis cannot know of Martlet from /openapi.json: which names are models', and what an image is."""
import base64
import zlib

import schemathesis
from hypothesis import strategies

from native import SEVEN, THREE

IMAGES = [SEVEN.read_bytes(), THREE.read_bytes()]
images = strategies.sampled_from(IMAGES)
for media_type in ("application/octet-stream", "image/png", "image/jpeg"):
    schemathesis.openapi.media_type(media_type, images)
schemathesis.openapi.format("base64-image", strategies.sampled_from([base64.b64encode(image).decode() for image in IMAGES]))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Half of the calls are for a model of the operation's task, the others for names that no model has; no model is unloaded."""
    parameters, path = case.path_parameters, case.operation.path
    if str((case.query or {}).get("timeout_ms")).isdigit() and int(case.query["timeout_ms"]) < 1000:
        case.query["timeout_ms"] = 30000  # 504 after a millisecond is no fault
    if not parameters or "model" not in parameters:
        return
    if "repository" in path:
        parameters["model"] = "nothing"
    elif zlib.crc32(str(parameters).encode()) % 2:
        parameters["model"] = model_of(path)
        if "version" in parameters:
            parameters["version"] = "1"
        if "label" in parameters:
            parameters["label"] = "latest"


def model_of(path):
    """A model that can do what the last word of a path says."""
    for verb, model in ((":generate", "shakespeare"), (":predict", "surnames"), (":regress", "temperature"), ("/hf", "digits")):
        if verb in path:
            return model
    return "digits"
