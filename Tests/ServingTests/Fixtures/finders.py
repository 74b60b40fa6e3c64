"""Writes detector.onnx, segmenter.onnx, pair.onnx and squares.png beside this file: small networks whose answers can be told by looking.

    python3 finders.py

The detector (YOLOv8's form, 64 x 64 pixels) looks at cells of 8 x 8: its class 0 is how red a cell is, class 1 how blue, and its
box is 16 x 16 pixels around the cell. The segmenter (32 x 32) has at a quarter of the size 0.3 for the background, how red it is
for class 1, how blue for class 2; its second output is the same upside down. The pair takes a [n, 2, 3], b (int64) [n, 3] and mask
(bool) [n, 2], and gives sum = a + b, most = the place of the largest of each row of a (int64), and kept = not mask.
"""

import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(__file__).parent


def save(name, nodes, inputs, outputs, constants):
    values = [numpy_helper.from_array(array, key) for key, array in constants.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


def colours(side):
    """The weights of a convolution that means a square: how red, and how blue."""
    weights = numpy.zeros((2, 3, 1, 1), numpy.float32)
    weights[0, :, 0, 0] = [1, -0.5, -0.5]
    weights[1, :, 0, 0] = [-0.5, -0.5, 1]
    return numpy.repeat(numpy.repeat(weights, side, 2), side, 3) / side**2


def tensor(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def detector():
    rows, columns = numpy.meshgrid(numpy.arange(8), numpy.arange(8), indexing="ij")
    centres = numpy.stack([columns * 8 + 4, rows * 8 + 4]).reshape(1, 2, 64)
    boxes = numpy.concatenate([centres, numpy.full((1, 2, 64), 16)], 1).astype(numpy.float32)
    save(
        "detector",
        [
            helper.make_node("Conv", ["images", "weights"], ["seen"], strides=[8, 8]),
            helper.make_node("Clip", ["seen", "least", "most"], ["clipped"]),
            helper.make_node("Reshape", ["clipped", "shape"], ["scores"]),
            helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1),
        ],
        [tensor("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [tensor("output0", TensorProto.FLOAT, [1, 6, 64])],
        {
            "weights": colours(8), "least": numpy.float32(0), "most": numpy.float32(1),
            "shape": numpy.array([1, 2, 64]), "boxes": boxes,
        },
    )


def segmenter():
    weights = numpy.concatenate([numpy.zeros((1, 3, 4, 4), numpy.float32), colours(4)])
    save(
        "segmenter",
        [
            helper.make_node("Conv", ["image", "weights", "bias"], ["classes"], strides=[4, 4]),
            helper.make_node("Slice", ["classes", "start", "end", "axis", "step"], ["turned"]),
        ],
        [tensor("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [tensor("classes", TensorProto.FLOAT, [1, 3, 8, 8]), tensor("turned", TensorProto.FLOAT, [1, 3, 8, 8])],
        {
            "weights": weights, "bias": numpy.array([0.3, 0, 0], numpy.float32), "start": numpy.array([-1]),
            "end": numpy.array([-9]), "axis": numpy.array([2]), "step": numpy.array([-1]),
        },
    )


def pair():
    save(
        "pair",
        [
            helper.make_node("Unsqueeze", ["b", "axis"], ["row"]),
            helper.make_node("Cast", ["row"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["a", "numbers"], ["sum"]),
            helper.make_node("ArgMax", ["a"], ["most"], axis=2, keepdims=0),
            helper.make_node("Not", ["mask"], ["kept"]),
        ],
        [
            tensor("a", TensorProto.FLOAT, ["n", 2, 3]), tensor("b", TensorProto.INT64, ["n", 3]),
            tensor("mask", TensorProto.BOOL, ["n", 2]),
        ],
        [
            tensor("sum", TensorProto.FLOAT, ["n", 2, 3]), tensor("most", TensorProto.INT64, ["n", 2]),
            tensor("kept", TensorProto.BOOL, ["n", 2]),
        ],
        {"axis": numpy.array([1])},
    )


detector()
segmenter()
pair()


def squares():
    """A picture of 128 x 64 pixels: a red square in one of the detector's cells, and a dim blue one in another."""
    from PIL import Image

    picture = Image.new("RGB", (128, 64), (90, 90, 90))
    picture.paste((255, 0, 0), (32, 16, 48, 32))
    picture.paste((0, 0, 180), (96, 32, 112, 48))
    picture.save(folder / "squares.png", optimize=True)


squares()
