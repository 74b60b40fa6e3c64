"""Writes anysize.onnx, anchors.onnx, steps.onnx, stepsfirst.onnx, couple.onnx and shapes.safetensors beside this file: small
networks whose inputs have extents that a request chooses, and ONNX Runtime's answers to inputs of several shapes.

    python3 shapes.py        needs onnx, onnxruntime, numpy and safetensors

Anysize takes x [batch, 3, height, width] and gives a map y of the same height and width (down, up again by a size that is computed,
joined and convolved) and mean [batch, 2]. Anchors adds to a quarter of x's size a grid, whose numbers depend on the size alone.
Steps is an LSTM over x [batch, length, 5]; stepsfirst one over x [sequence, 1, 5], as a network that was never told to put its
batch first. Couple takes tokens [batch, length] (int64) and mask [batch, length]: two inputs that share an extent. A tensor is
called network/case/name.
"""

import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

folder = pathlib.Path(__file__).parent
random = numpy.random.RandomState(18)
recorded = {}


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(*shape):
    return (random.randn(*shape) * (2 / numpy.prod(shape[1:])) ** 0.5).astype(numpy.float32)


def integers(*values):
    return numpy.array(values, numpy.int64)


def save(name, nodes, inputs, outputs, constants, cases):
    values = [numpy_helper.from_array(numpy.asarray(array), key) for key, array in constants.items()]
    nodes = [helper.make_node(op, ins, outs, **attributes) for op, ins, outs, attributes in nodes]
    graph = helper.make_graph(nodes, name, inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for case, feed in cases.items():
        answers = session.run(None, feed)
        for key, array in list(feed.items()) + list(zip([output.name for output in outputs], answers)):
            recorded[f"{name}/{case}/{key}"] = numpy.ascontiguousarray(array, dtype=numpy.float32)


def image(batch, height, width):
    return {"x": random.randn(batch, 3, height, width).astype(numpy.float32)}


def anysize():
    save(
        "anysize",
        [
            ("Conv", ["x", "w1", "b1"], ["a"], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
            ("Relu", ["a"], ["b"], {}),
            ("Conv", ["b", "w2", "b2"], ["c"], {"pads": [1, 1, 1, 1], "group": 2}),
            ("Relu", ["c"], ["d"], {}),
            ("Shape", ["x"], ["s"], {}),
            ("Slice", ["s", "two", "four"], ["sides"], {}),
            ("Shape", ["d"], ["t"], {}),
            ("Slice", ["t", "zero", "two"], ["first"], {}),
            ("Concat", ["first", "sides"], ["sizes"], {"axis": 0}),
            ("Resize", ["d", "", "", "sizes"], ["e"], {"mode": "linear"}),
            ("Concat", ["x", "e"], ["f"], {"axis": 1}),
            ("Conv", ["f", "w3"], ["y"], {}),
            ("GlobalAveragePool", ["y"], ["g"], {}),
            ("Flatten", ["g"], ["mean"], {}),
        ],
        [tensor("x", ["batch", 3, "height", "width"])],
        [tensor("y", ["batch", 2, "height", "width"]), tensor("mean", ["batch", 2])],
        {
            "w1": weight(8, 3, 3, 3), "b1": weight(8, 1)[:, 0], "w2": weight(12, 4, 3, 3), "b2": weight(12, 1)[:, 0],
            "w3": weight(2, 15, 1, 1), "zero": integers(0), "two": integers(2), "four": integers(4),
        },
        {"small": image(1, 9, 14), "wide": image(2, 20, 33), "tall": image(3, 40, 8)},
    )


def anchors():
    save(
        "anchors",
        [
            ("Conv", ["x", "w"], ["a"], {"strides": [4, 4]}),
            ("Shape", ["a"], ["s"], {}),
            ("Gather", ["s", "three"], ["columns"], {"axis": 0}),
            ("Range", ["zero", "columns", "one"], ["r"], {}),
            ("Cast", ["r"], ["f"], {"to": TensorProto.FLOAT}),
            ("Mul", ["f", "step"], ["grid"], {}),
            ("Add", ["a", "grid"], ["y"], {}),
        ],
        [tensor("x", ["batch", 3, "height", "width"])],
        [tensor("y", ["batch", 4, "rows", "columns"])],
        {
            "w": weight(4, 3, 4, 4), "three": numpy.int64(3), "zero": numpy.int64(0), "one": numpy.int64(1),
            "step": numpy.float32(0.25),
        },
        {"small": image(1, 8, 12), "large": image(2, 24, 40)},
    )


def lstm():
    return {"w": weight(1, 28, 5), "r": weight(1, 28, 7), "b": weight(1, 56)}


def steps(batch, length):
    return {"x": random.randn(batch, length, 5).astype(numpy.float32)}


def sequences():
    save(
        "steps",
        [
            ("Transpose", ["x"], ["a"], {"perm": [1, 0, 2]}),
            ("LSTM", ["a", "w", "r", "b"], ["c"], {"hidden_size": 7}),
            ("Squeeze", ["c", "one"], ["d"], {}),
            ("Transpose", ["d"], ["e"], {"perm": [1, 0, 2]}),
            ("MatMul", ["e", "out"], ["y"], {}),
        ],
        [tensor("x", ["batch", "length", 5])],
        [tensor("y", ["batch", "length", 3])],
        lstm() | {"one": integers(1), "out": weight(7, 3)},
        {"one": steps(1, 1), "short": steps(2, 4), "long": steps(1, 23)},
    )
    save(
        "stepsfirst",
        [("LSTM", ["x", "w", "r", "b"], ["c"], {"hidden_size": 7}), ("Squeeze", ["c", "one"], ["y"], {})],
        [tensor("x", ["sequence", 1, 5])],
        [tensor("y", ["sequence", 1, 7])],
        lstm() | {"one": integers(1)},
        {"short": {"x": steps(1, 3)["x"].transpose(1, 0, 2).copy()}, "long": {"x": steps(1, 11)["x"].transpose(1, 0, 2).copy()}},
    )


def couple():
    def case(batch, length):
        tokens = random.randint(0, 20, (batch, length)).astype(numpy.int64)
        return {"tokens": tokens, "mask": (random.rand(batch, length) > 0.3).astype(numpy.float32)}

    save(
        "couple",
        [
            ("Gather", ["table", "tokens"], ["a"], {}),
            ("Unsqueeze", ["mask", "two"], ["b"], {}),
            ("Mul", ["a", "b"], ["c"], {}),
            ("MatMul", ["c", "w"], ["d"], {}),
            ("Tanh", ["d"], ["e"], {}),
            ("ReduceMean", ["e"], ["y"], {"axes": [1], "keepdims": 0}),
        ],
        [tensor("tokens", ["batch", "length"], TensorProto.INT64), tensor("mask", ["batch", "length"])],
        [tensor("y", ["batch", 6])],
        {"table": weight(20, 8), "two": integers(2), "w": weight(8, 6)},
        {"short": case(1, 3), "long": case(4, 17)},
    )


if __name__ == "__main__":
    anysize()
    anchors()
    sequences()
    couple()
    save_file(recorded, folder / "shapes.safetensors")
