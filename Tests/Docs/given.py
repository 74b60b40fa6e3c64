"""What pages take for granted that readers have: files of weights, made up, and what their own library computes of them.

    python3 Tests/Docs/given.py torchvision NAME | caffe | keras | networks | photographs | onnx

Those of libraries write `golden.safetensors` into the folder that the model will be in, with inputs and that library's logits, so that `martlet
models` holds what was converted to them.
"""
import json
import pathlib
import shutil
import sys

import numpy

GENERATOR = numpy.random.default_rng(7)


def normal(*shape, scale=1.0):
    return (GENERATOR.standard_normal(shape) * scale).astype(numpy.float32)


def golden(model, inputs, logits):
    from safetensors.numpy import save_file
    folder = pathlib.Path("weights") / model
    folder.mkdir(exist_ok=True)
    tensors = {"input": inputs, "logits": logits}
    save_file({name: numpy.ascontiguousarray(value, numpy.float32) for name, value in tensors.items()},
              folder / "golden.safetensors")


def randomize(model):
    """Made-up weights whose activations neither vanish nor explode, and statistics that are none of a fresh network's."""
    import torch
    torch.manual_seed(7)
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in ((module.weight, 0.5, 1), (module.bias, -0.2, 0.2),
                                      (module.running_mean, -0.2, 0.2), (module.running_var, 0.5, 2)):
                torch.nn.init.uniform_(tensor, low, high)
    return model.eval()


def torchvision(name):
    """A checkpoint where torchvision looks for one that it has downloaded."""
    import torch
    import torchvision
    options = {"aux_logits": True, "transform_input": True} if name == "googlenet" else {}
    if name == "googlenet":
        options["init_weights"] = False
    model = randomize(torchvision.models.get_model(name, weights=None, **options))
    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    folder = pathlib.Path(torch.hub.get_dir()) / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), folder / weights.url.rsplit("/", 1)[1])
    inputs = torch.from_numpy(normal(2, 3, 224, 224))
    with torch.no_grad():
        logits = model(inputs)
        if name == "googlenet":
            model.transform_input = False
            difference = (model(inputs) - logits).abs().max() / logits.abs().max()
            assert difference > 0.04, f"transform_input changes {difference} only"
    golden(name, inputs.numpy(), logits.numpy())


def field(number, value):
    """A field of a protocol buffer: a number, a text, bytes, or packed floats."""
    def varint(value):
        text = b""
        while value > 127:
            text, value = text + bytes([value & 127 | 128]), value >> 7
        return text + bytes([value])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def caffe():
    """NiN for CIFAR-10 in the two files of Caffe (caffe.proto: NetParameter, LayerParameter, BlobProto, BlobShape)."""
    import cv2
    convolutions = [("conv1", 192, 5, 2), ("cccp1", 160, 1, 0), ("cccp2", 96, 1, 0), ("conv2", 192, 5, 2), ("cccp3", 192, 1, 0),
                    ("cccp4", 192, 1, 0), ("conv3", 192, 3, 1), ("cccp5", 192, 1, 0), ("cccp6", 10, 1, 0)]
    pools = {"cccp2": "MAX", "cccp4": "AVE"}
    text = ['name: "NiN"', 'input: "data"', "input_shape { dim: 1 dim: 3 dim: 32 dim: 32 }"]
    model, bottom, channels = field(1, "NiN"), "data", 3
    for name, filters, kernel, pad in convolutions:
        text.append(f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{name}" convolution_param {{ num_output: '
                    f'{filters} kernel_size: {kernel} pad: {pad} }} }}')
        text.append(f'layer {{ name: "relu_{name}" type: "ReLU" bottom: "{name}" top: "{name}" }}')
        blobs = b""
        for blob in (normal(filters, channels, kernel, kernel, scale=(2 / (channels * kernel * kernel)) ** 0.5),
                     normal(filters, scale=0.1)):
            shape = b"".join(field(1, size) for size in blob.shape)
            blobs += field(7, field(7, shape) + field(5, blob.tobytes()))
        model += field(100, field(1, name) + field(2, "Convolution") + blobs)
        bottom, channels = name, filters
        if name in pools:
            bottom = f"pool_{name}"
            text.append(f'layer {{ name: "{bottom}" type: "Pooling" bottom: "{name}" top: "{bottom}" pooling_param {{ pool: '
                        f'{pools[name]} kernel_size: 3 stride: 2 }} }}')
    text.append(f'layer {{ name: "mean" type: "Pooling" bottom: "{bottom}" top: "mean" pooling_param {{ pool: AVE '
                "global_pooling: true } }")
    pathlib.Path("train_val.prototxt").write_text("\n".join(text) + "\n")
    pathlib.Path("cifar10_nin.caffemodel").write_bytes(model)
    net = cv2.dnn.readNetFromCaffe("train_val.prototxt", "cifar10_nin.caffemodel")
    inputs = normal(2, 3, 32, 32, scale=50)
    logits = []
    for item in inputs:
        net.setInput(item[None])
        logits.append(net.forward().reshape(-1))
    golden("nin_cifar", inputs, numpy.stack(logits))


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def lstm(steps, kernel, recurrent, bias):
    """Keras's LSTM: the gates are i, f, c, o."""
    h = c = numpy.zeros(recurrent.shape[0])
    for x in steps:
        i, f, g, o = numpy.split(x @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * numpy.tanh(g)
        h = sigmoid(o) * numpy.tanh(c)
    return h


def gru(steps, kernel, recurrent, bias):
    """Keras's GRU with reset_after=False: the gates are z, r, h, and r comes before the recurrent product."""
    size = recurrent.shape[0]
    h = numpy.zeros(size)
    for x in steps:
        along = x @ kernel + bias
        z, r = numpy.split(sigmoid(along[:2 * size] + h @ recurrent[:, :2 * size]), 2)
        h = z * h + (1 - z) * numpy.tanh(along[2 * size:] + (r * h) @ recurrent[:, 2 * size:])
    return h


def keras():
    """Weights as `save_weights` of Keras 3 writes them, of two networks."""
    import h5py
    words = ["", "[UNK]", "a", "bad", "film", "fine", "good", "is", "it", "not", "the", "this"]

    def cell(inputs, hidden, gates):
        return normal(inputs, gates * hidden, scale=0.4), normal(hidden, gates * hidden, scale=0.4), normal(gates * hidden, scale=0.4)

    def write(file, tensors):
        with h5py.File(file, "w") as target:
            for name, value in tensors.items():
                target[f"layers/{name}"] = value

    def parts(name, values):
        return {f"{name}/cell/vars/{index}": value for index, value in enumerate(values)}

    embedding, forwards, backwards = normal(len(words), 8), cell(8, 6, 4), cell(8, 6, 4)
    head = normal(12, 2), normal(2)
    write("reviews.weights.h5", {"embedding/vars/0": embedding, "dense/vars/0": head[0], "dense/vars/1": head[1],
                                 **parts("bidirectional/forward_layer", forwards), **parts("bidirectional/backward_layer", backwards)})
    texts = GENERATOR.integers(1, len(words), (3, 7))
    golden("reviews", texts, numpy.stack([
        numpy.concatenate([lstm(embedding[text], *forwards), lstm(embedding[text[::-1]], *backwards)]) @ head[0] + head[1]
        for text in texts]))
    pathlib.Path("weights/reviews/vocab.txt").write_text("\n".join(words) + "\n")

    only, head = cell(5, 6, 3), (normal(6, 3), normal(3))
    write("machines.weights.h5", {**parts("gru", only), "dense/vars/0": head[0], "dense/vars/1": head[1]})
    series = normal(3, 9, 5)
    golden("machines", series, numpy.stack([gru(item, *only) @ head[0] + head[1] for item in series]))


def networks():
    """What the page's snapshot of timm answers in timm; and networks of Keras itself, with PyTorch below it, converted by the
    page's script. Each where it is there."""
    import importlib.util
    import os
    import subprocess
    is_there = {name: importlib.util.find_spec(name) is not None for name in ("keras", "timm", "torch")}
    if is_there["timm"]:
        import timm
        import torch
        inputs = normal(2, 3, 224, 224)
        with torch.no_grad():
            logits = timm.create_model("local-dir:weights/flowers", pretrained=True).eval()(torch.from_numpy(inputs))
        golden("flowers", inputs, logits.numpy())
    if not (is_there["keras"] and is_there["torch"]):
        return
    os.environ["KERAS_BACKEND"] = "torch"
    from keras import Input, Sequential, layers
    tokens, features = {"kind": "tokens", "size": 50}, {"kind": "features", "size": 5}
    texts, series = GENERATOR.integers(1, 50, (3, 7)), normal(3, 9, 5)
    for name, cell, kind, make, options in (
            ("keras-lstm", "lstm", features, lambda: layers.LSTM(6), {}),
            ("keras-lstm-both", "lstm", tokens, lambda: layers.Bidirectional(layers.LSTM(6)), {}),
            ("keras-gru", "gru", features, lambda: layers.GRU(6), {}),
            ("keras-gru-both", "gru", tokens, lambda: layers.Bidirectional(layers.GRU(6)), {}),
            ("keras-gru-paper", "gru", features, lambda: layers.GRU(6, reset_after=False), {"reset_after": False}),
            ("keras-rnn", "simple_rnn", features, lambda: layers.SimpleRNN(6), {})):
        begin = [Input((None,), dtype="int32"), layers.Embedding(50, 8)] if kind is tokens else [Input((None, 5))]
        inputs = texts if kind is tokens else series
        model = Sequential([*begin, make(), layers.Dense(3)])
        model(inputs)
        for weight in model.weights:
            weight.assign(normal(*weight.shape, scale=0.5))
        model.save_weights(f"{name}.weights.h5")
        golden(name, inputs, model.predict(inputs, verbose=0))
        subprocess.run([sys.executable, "keras_weights.py", f"{name}.weights.h5", cell, f"weights/{name}/model.safetensors"], check=True)
        (pathlib.Path("weights") / name / "model.json").write_text(json.dumps({
            "architecture": "rnn" if cell == "simple_rnn" else cell, "task": "sequence-classification", "labels": ["a", "b", "c"],
            "input": kind, "options": options}))


def photographs():
    """A folder of images for each class: two classes, one example."""
    for name in ("pagoda", "airplanes"):
        folder = pathlib.Path("photographs") / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy("weights/examples/pagoda.jpg", folder / "1.jpg")


def onnx():
    """`model.onnx`, a classifier whose input is `image`, with a tensor for it; and a folder with it, and `cat.jpg`."""
    from safetensors.numpy import save_file
    network = "Tests/ServingTests/Fixtures/classifier.onnx"
    shutil.copy(network, "model.onnx")
    save_file({"image": normal(1, 3, 32, 32)}, "in.safetensors")
    folder = pathlib.Path("weights/mynet")
    folder.mkdir()
    shutil.copy(network, folder / "model.onnx")
    shutil.copy("weights/examples/horse.jpg", "cat.jpg")


def finders():
    """Models of `Tests/ServingTests/Fixtures/finders.py`: `detector`, `segmenter` and `pair`; and `squares.png`."""
    fixtures = pathlib.Path("Tests/ServingTests/Fixtures")
    preprocessing = {"resize": [32, 32], "interpolation": "nearest"}
    manifests = {
        "detector": {"task": "object-detection", "labels": ["red", "blue"], "boxes": "yolov8", "threshold": 0.5, "nms": 0.3,
                     "preprocessing": {"resize": {"letterbox": [64, 64]}, "interpolation": "nearest"}},
        "segmenter": {"task": "semantic-segmentation", "labels": ["ground", "red", "blue"], "output": "classes",
                      "preprocessing": preprocessing},
        "pair": {"task": "tensors"}}
    for name, manifest in manifests.items():
        folder = pathlib.Path("weights") / name
        folder.mkdir()
        shutil.copy(fixtures / f"{name}.onnx", folder / "model.onnx")
        (folder / "model.json").write_text(json.dumps(manifest))
    shutil.copy(fixtures / "squares.png", "squares.png")


if __name__ == "__main__":
    {function.__name__: function for function in (torchvision, caffe, keras, networks, photographs, onnx, finders)}[sys.argv[1]](*sys.argv[2:])
