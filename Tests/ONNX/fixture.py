"""Writes Tests/ONNXTests/Fixtures/patterns.onnx, a classifier of small images made of what exporters write out, and
patterns.safetensors: an image `x` and ONNX Runtime's answer `y`.

    python3 Tests/ONNX/fixture.py        needs onnx, onnxruntime, numpy and safetensors
"""
import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "ONNXTests/Fixtures"
random = numpy.random.RandomState(1)
nodes, initializers = [], []


def constant(values, name=None):
    values = numpy.asarray(values)
    if values.dtype == numpy.float64:
        values = values.astype(numpy.float32)
    name = name or f"c{len(initializers)}"
    initializers.append(numpy_helper.from_array(values, name))
    return name


def node(op, *inputs, outputs=1, **attributes):
    inputs = [constant(i) if isinstance(i, (float, list, numpy.ndarray)) else i for i in inputs]
    names = [f"{op.lower()}{len(nodes)}_{i}" for i in range(outputs)]
    nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{len(nodes)}", **attributes))
    return names[0] if outputs == 1 else names


def weight(*shape):
    gain = (1.6 / numpy.prod(shape[1:])) ** 0.5
    return (random.randn(*shape) * gain).astype(numpy.float32)


def conv(x, inputs, outputs, kernel=1, **attributes):
    pads = [kernel // 2] * 4
    return node("Conv", x, weight(outputs, inputs // attributes.get("group", 1), kernel, kernel),
                random.randn(outputs).astype(numpy.float32) * 0.1, pads=pads, **attributes)


def silu(x):
    return node("Mul", x, node("Sigmoid", x))


def hard_swish(x):
    return node("Div", node("Mul", x, node("Clip", node("Add", x, 3.0), 0.0, 6.0)), 6.0)


def gelu(x):
    return node("Mul", node("Mul", x, node("Add", node("Erf", node("Div", x, 2 ** 0.5)), 1.0)), 0.5)


def layer_norm(x, channels):
    deviation = node("Sub", x, node("ReduceMean", x, axes=[-1]))
    variance = node("ReduceMean", node("Pow", deviation, 2.0), axes=[-1])
    normal = node("Div", deviation, node("Sqrt", node("Add", variance, 1e-6)))
    scale, shift = random.rand(channels) + 0.5, random.randn(channels) * 0.1
    return node("Add", node("Mul", normal, scale), shift)


def network():
    x = silu(conv("x", 3, 24, 3, strides=[2, 2]))
    # Squeeze and excite.
    gate = node("Relu", conv(node("GlobalAveragePool", x), 24, 8))
    gate = conv(gate, 8, 24)
    gate = node("Div", node("Clip", node("Add", gate, 3.0), 0.0, 6.0), 6.0)
    x = hard_swish(conv(node("Mul", x, gate), 24, 40))
    # A block of ConvNeXt.
    y = node("Transpose", conv(x, 40, 40, 3, group=40), perm=[0, 2, 3, 1])
    y = node("Add", node("MatMul", layer_norm(y, 40), weight(40, 80)), random.randn(80) * 0.1)
    y = node("Add", node("MatMul", gelu(y), weight(80, 40)), random.randn(40) * 0.1)
    y = node("Mul", node("Transpose", y, perm=[0, 3, 1, 2]), random.rand(40, 1, 1) * 0.5 + 0.5)
    x = node("Add", x, y)
    # Halves that do not end where blocks do, joined and shuffled.
    first, second = node("Split", x, numpy.array([20, 20]), outputs=2, axis=1)
    x = node("Concat", first, silu(conv(second, 20, 20)), axis=1)
    x = node("Reshape", x, numpy.array([0, 2, 20, 16, 16]))
    x = node("Reshape", node("Transpose", x, perm=[0, 2, 1, 3, 4]), numpy.array([0, 40, 16, 16]))
    # Down, and up in three ways.
    low = silu(conv(x, 40, 32, 3, strides=[2, 2]))
    near = node("Resize", low, "", constant(numpy.array([1, 1, 2, 2], numpy.float32)), mode="nearest",
                coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    linear = node("Resize", low, "", constant(numpy.array([1, 1, 2, 2], numpy.float32)), mode="linear")
    spread = node("ConvTranspose", low, weight(32, 24, 2, 2) * 2, random.randn(24).astype(numpy.float32) * 0.1,
                  strides=[2, 2])
    x = conv(node("Concat", x, near, linear, spread, axis=1), 128, 48)
    x = node("LeakyRelu", x, alpha=0.1)
    x = node("Flatten", node("GlobalAveragePool", x))
    return node("Gemm", x, weight(10, 48), random.randn(10).astype(numpy.float32), transB=1)


def main():
    last = network()
    nodes.append(helper.make_node("Identity", [last], ["y"]))
    graph = helper.make_graph(nodes, "patterns", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    FOLDER.mkdir(exist_ok=True)
    onnx.save(model, FOLDER / "patterns.onnx")
    x = random.randn(1, 3, 32, 32).astype(numpy.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    save_file({"x": x, "y": session.run(None, {"x": x})[0]}, FOLDER / "patterns.safetensors")


if __name__ == "__main__":
    main()
