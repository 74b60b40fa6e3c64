"""ONNX's own backend tests, which its Python package brings, against the importer.

Each case is run with all of its inputs as values, and again with all but the first as constants, as they are in the files
of trained networks; where neither is supported, with its whole numbers and truth values as constants, and with all inputs:
what a file says of shapes and trips is known when it is read. A case passes when every run that is supported agrees with
the recorded outputs within the suite's tolerance, and one is. Doubles are compared as the 32-bit floats that networks
compute with.
"""
import argparse, collections, glob, os, subprocess, sys, tempfile
import numpy as np
import onnx
import onnx.backend.test
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from safetensors.numpy import load_file, save_file

# What networks of images and sequences are made of. Of the cases made of these alone 99 of 100 must pass.
FAMILIES = {
    "convolutions": "Conv ConvTranspose",
    "pools": "MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool",
    "norms": "BatchNormalization InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LRN "
             "LpNormalization MeanVarianceNormalization",
    "products": "Gemm MatMul Einsum",
    "arithmetic": "Abs Acos Acosh Add Asin Asinh Atan Atanh Ceil Cos Cosh Div Erf Exp Floor Log Max Mean Min Mod Mul Neg "
                  "Pow Reciprocal Round Sign Sin Sinh Sqrt Sub Sum Tan",
    "comparisons": "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor Where",
    "activations": "Celu Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Shrink Sigmoid Softplus "
                   "Softsign Swish Tanh ThresholdedRelu Softmax LogSoftmax Hardmax",
    "reductions": "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
                  "ReduceSumSquare ArgMax ArgMin TopK CumSum CumProd",
    "layout": "Reshape Flatten Squeeze Unsqueeze Transpose Slice Split Concat Gather GatherElements GatherND "
              "ScatterElements ScatterND Scatter Tile Expand Pad DepthToSpace SpaceToDepth Trilu ReverseSequence "
              "CenterCropPad OneHot Compress",
    "images": "Resize Upsample GridSample NonMaxSuppression",
    "recurrent": "LSTM GRU RNN",
    "constants": "Cast CastLike Constant ConstantOfShape EyeLike Identity If Range Shape Size",
    "quantised": "QuantizeLinear DequantizeLinear",
}
LISTED = {op for family in FAMILIES.values() for op in family.split()}


def floats(value):
    """An array as the driver reads it, or None where it is no array of numbers."""
    if isinstance(value, onnx.TensorProto):
        value = None if value.data_type == onnx.TensorProto.STRING else numpy_helper.to_array(value)
    if value is None or isinstance(value, (list, dict)):
        return None
    array = np.asarray(value)
    if array.dtype.kind in "OSUTMm" or array.dtype.kind == "c":
        return None
    return np.ascontiguousarray(array.astype(np.float32)).reshape(array.shape)


def operators(graph):
    """The operators of a graph and of the graphs within it."""
    found = set()
    for node in graph.node:
        found.add(f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                found |= operators(inner)
    return found


def read(path, info):
    """A recorded value; None where it is no tensor."""
    if info.type.WhichOneof("value") != "tensor_type":
        return None
    with open(path, "rb") as file:
        return numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))


class Driver:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def run(self, model, inputs, constants):
        source, target = os.path.join(self.folder, "in.safetensors"), os.path.join(self.folder, "out.safetensors")
        save_file(inputs, source)
        try:
            self.process.stdin.write("\t".join([model, source, target, ",".join(constants)]) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.process.wait()
            self.start()
            return "crash", None
        return answer, load_file(target) if answer == "ok" else None


def agrees(found, expected, rtol, atol):
    """Why two arrays differ; None where they do not."""
    if list(found.shape) != list(expected.shape):
        return f"shape {list(found.shape)}, expected {list(expected.shape)}"
    expected = expected.astype(np.float64)
    if np.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True):
        return None
    worst = np.nanmax(np.abs(found - expected)) if found.size else 0
    return f"differs by up to {worst:.3g}"


def light(driver):
    """The large networks without numbers of their own, with the input that the suite gives them: a line for each."""
    folder = os.path.join(os.path.dirname(onnx.backend.test.__file__), "data", "light")
    faults = []
    for path in sorted(glob.glob(os.path.join(folder, "light_*.onnx"))):
        name = os.path.basename(path)[:-5]
        model = onnx.load(path)
        own = {i.name for i in model.graph.initializer}
        given = {}
        for info in model.graph.input:
            if info.name in own:
                continue
            shape = [d.dim_value or 1 for d in info.type.tensor_type.shape.dim]
            count = int(np.prod(shape))
            given[info.name] = (np.arange(count).reshape(shape) / count).astype(np.float32)
        with open(path[:-5] + "_output_0.pb", "rb") as file:
            expected = numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))
        answer, found = driver.run(path, given, [])
        fault = agrees(found[model.graph.output[0].name], expected, 1e-3, 1e-7) if answer == "ok" else answer
        print(f"{name:30}{'pass' if fault is None else 'fail: ' + fault}")
        if fault:
            faults.append(name)
    return faults


def runs(model, given):
    """The sets of inputs that are constants, one for each run, and those where none of the runs is supported."""
    own = {i.name for i in model.graph.initializer}
    free = [name for name in given if name not in own]
    whole = {info.name for info in model.graph.input
             if info.type.tensor_type.elem_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL)}
    return [[], free[1:]] if len(free) > 1 else [[]], [[name for name in free if name in whole], free]


def cases(test, folder):
    """The model of a test, its file, and its sets of inputs and outputs."""
    if test.model is not None:
        path = os.path.join(folder, "model.onnx")
        onnx.save(test.model, path)
        return test.model, path, test.data_sets
    path = os.path.join(test.model_dir, "model.onnx")
    model = onnx.load(path)
    sets = []
    for data in sorted(glob.glob(os.path.join(test.model_dir, "test_data_set_*"))):
        count = len(glob.glob(os.path.join(data, "input_*.pb")))
        inputs = [read(os.path.join(data, f"input_{i}.pb"), model.graph.input[i]) for i in range(count)]
        outputs = [read(os.path.join(data, f"output_{i}.pb"), info) for i, info in enumerate(model.graph.output)]
        sets.append((inputs, outputs))
    return model, path, sets


def check(driver, model, path, sets, rtol, atol):
    """The result of a case: pass, fail, unsupported or skipped, and why."""
    results = []
    for inputs, outputs in sets:
        given = {info.name: floats(value) for info, value in zip(model.graph.input, inputs)}
        expected = [(info.name, floats(value)) for info, value in zip(model.graph.output, outputs)]
        if any(value is None for value in list(given.values()) + [value for _, value in expected]):
            return "skipped", "an input or output is no tensor of numbers"
        tried, others = runs(model, given)
        own = [once(driver, path, given, expected, constants, rtol, atol) for constants in tried]
        for constants in others:
            if all(kind == "unsupported" for kind, _ in own):
                own.append(once(driver, path, given, expected, constants, rtol, atol))
        results += own
    kinds = [kind for kind, _ in results]
    for kind in ("fail", "pass", "unsupported"):
        if kind in kinds:
            return results[kinds.index(kind)]
    return "skipped", "no data"


def once(driver, path, given, expected, constants, rtol, atol):
    """The result of a run, and why."""
    answer, found = driver.run(path, given, constants)
    if answer == "ok":
        faults = [agrees(found[name], value, rtol, atol) for name, value in expected]
        faults = [fault for fault in faults if fault]
        return ("fail", faults[0]) if faults else ("pass", "")
    return ("unsupported", answer[12:]) if answer.startswith("unsupported") else ("fail", answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--light", action="store_true", help="run the large networks alone")
    parser.add_argument("--only", default="")
    parser.add_argument("--known", help="a file with the cases that need not pass, and why")
    options = parser.parse_args()
    known = set()
    if options.known:
        with open(options.known) as file:
            known = {line.split()[0] for line in file if line.strip() and not line.startswith("#")}
    table = collections.defaultdict(collections.Counter)
    listed, missing = collections.Counter(), []
    surprises = []
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(options.driver, folder)
        if options.light:
            faults = light(driver)
            sys.exit(f"{len(faults)} networks fail: {' '.join(faults)}" if faults else 0)
        for kind in ("node", "pytorch-operator", "pytorch-converted", "simple"):
            for test in load_model_tests(kind=kind):
                if options.only and options.only not in test.name:
                    continue
                model, path, sets = cases(test, folder)
                result, reason = check(driver, model, path, sets, test.rtol, test.atol)
                op = kind
                if kind == "node":
                    nodes = model.graph.node
                    op = nodes[0].op_type if len(nodes) == 1 else "(several)"
                table[op][result] += 1
                if operators(model.graph) <= LISTED:
                    listed[result] += 1
                    if result != "pass":
                        missing.append(f"{test.name} ({result})")
                        if test.name not in known:
                            surprises.append(test.name)
                elif result == "fail" and test.name not in known:
                    surprises.append(test.name)
                if options.verbose and result in ("fail", "unsupported"):
                    print(f"{result:12}{test.name}: {reason[:300]}")
    total = collections.Counter()
    print(f"{'operator':30}{'pass':>6}{'fail':>6}{'unsupported':>13}{'skipped':>9}")
    for op in sorted(table):
        row = table[op]
        total.update(row)
        print(f"{op:30}{row['pass']:>6}{row['fail']:>6}{row['unsupported']:>13}{row['skipped']:>9}")
    print(f"{'all':30}{total['pass']:>6}{total['fail']:>6}{total['unsupported']:>13}{total['skipped']:>9}")
    count = sum(listed.values())
    share = listed["pass"] / max(1, count)
    print(f"of the {count} cases made of the listed operators {listed['pass']} pass, {share:.2%}; all but these: "
          f"{', '.join(missing) or '-'}")
    if share < 0.99 and not options.only:
        surprises.append("(fewer than 99 of 100 listed cases)")
    if surprises:
        sys.exit(f"{len(surprises)} cases do not pass that must: {' '.join(surprises)}")


if __name__ == "__main__":
    main()
