"""Writes the checkpoints beside this file, and `expected.safetensors` with the numbers in them.

Needs numpy and safetensors, and no PyTorch: Python's own pickle writes what torch.save would have it write, of stand-ins with
the names of PyTorch's classes (torch/_utils.py, torch/serialization.py), and the zip files are laid out as PyTorch's writer
lays them out: stored, aligned to 64 bytes by an extra field, sizes behind the data.

    python3 Tests/EngineTests/Fixtures/pytorch/make_checkpoints.py
"""

import argparse
import collections
import io
import os
import pickle
import struct
import sys
import types
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent
TYPES = {"Float": "<f4", "Half": "<f2", "BFloat16": "<u2", "Double": "<f8", "Long": "<i8", "Int": "<i4", "Short": "<i2",
         "Char": "<i1", "Byte": "<u1", "Bool": "<u1"}


def module(name):
    made = types.ModuleType(name)
    sys.modules[name] = made
    return made


torch, utils, nn = module("torch"), module("torch._utils"), module("torch.nn.modules.linear")
module("torch.nn"), module("torch.nn.modules")
torch.nn = sys.modules["torch.nn"]
torch.nn.modules = sys.modules["torch.nn.modules"]
torch.nn.modules.linear, torch._utils = nn, utils
for kind in TYPES:
    setattr(torch, kind + "Storage", type(kind + "Storage", (), {"__module__": "torch"}))
torch.Size = type("Size", (tuple,), {"__module__": "torch"})
torch.float32 = type("float32", (), {"__module__": "torch", "__reduce__": lambda self: "float32"})


def _rebuild_tensor_v2(*_): ...
def _rebuild_parameter(*_): ...


for function in (_rebuild_tensor_v2, _rebuild_parameter):
    function.__module__ = "torch._utils"
    setattr(utils, function.__name__, function)
nn.Linear = type("Linear", (), {"__module__": "torch.nn.modules.linear"})


class Storage:
    def __init__(self, kind, values):
        self.kind = kind
        values = np.asarray(values).reshape(-1)
        if kind == "BFloat16":
            values = (values.astype("<f4").view("<u4") >> 16).astype("<u2")
        self.data = values.astype(TYPES[kind])

    def floats(self):
        if self.kind == "BFloat16":
            return (self.data.astype("<u4") << 16).view("<f4")
        return self.data.astype("<f4")


class Tensor:
    """A view of a storage."""

    def __init__(self, storage, size, stride=None, offset=0):
        if stride is None:
            stride = tuple(int(np.prod(size[axis + 1:])) for axis in range(len(size)))
        self.storage, self.size, self.stride, self.offset = storage, tuple(size), tuple(stride), offset

    def __reduce__(self):
        hooks = collections.OrderedDict()
        return _rebuild_tensor_v2, (self.storage, self.offset, self.size, self.stride, False, hooks)

    def numbers(self):
        floats = self.storage.floats()[self.offset:]
        strides = [4 * step for step in self.stride]
        return np.lib.stride_tricks.as_strided(floats, self.size, strides).copy()


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return _rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    """Gives storages the names by which a file refers to them."""

    def __init__(self, file, is_legacy):
        super().__init__(file, protocol=2)
        self.storages, self.is_legacy = {}, is_legacy

    def persistent_id(self, value):
        if not isinstance(value, Storage):
            return None
        key = next((key for key, known in self.storages.items() if known is value), None)
        if key is None:
            key = str(94000 + len(self.storages) if self.is_legacy else len(self.storages))
            self.storages[key] = value
        kind = getattr(torch, value.kind + "Storage")
        identifier = ("storage", kind, key, "cpu", len(value.data))
        return identifier + (None,) if self.is_legacy else identifier


def write_zip(path, entries, zip64=False, method=0):
    """A zip file as PyTorch's writer makes it; with `zip64` every size is in a field of 64 bits."""
    out, table = io.BytesIO(), []
    for name, data in entries:
        name, offset = name.encode(), out.tell()
        padding = -(offset + 30 + len(name) + 4) % 64
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        packed = zlib.compress(data)[2:-4] if method else data
        out.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, 0x808, method, 0, 0, 0, 0, 0, len(name), len(extra)))
        out.write(name + extra + packed)
        crc = zlib.crc32(data)
        out.write(struct.pack("<IIII", 0x08074B50, crc, len(packed), len(data)))
        long = struct.pack("<HHQQQ", 1, 24, len(data), len(packed), offset) if zip64 else b""
        sizes = (0xFFFFFFFF,) * 2 if zip64 else (len(packed), len(data))
        table.append(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 0, 0x808, method, 0, 0, crc, *sizes, len(name), len(long),
                                 0, 0, 0, 0, 0xFFFFFFFF if zip64 else offset) + name + long)
    start, count = out.tell(), len(entries)
    for record in table:
        out.write(record)
    size = out.tell() - start
    if zip64:
        end = out.tell()
        out.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start))
        out.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    else:
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, size, start, 0))
    (HERE / path).write_bytes(out.getvalue())


def save(path, value, order="little", **options):
    """What torch.save(value, path) writes since PyTorch 1.6."""
    file = io.BytesIO()
    pickler = Pickler(file, is_legacy=False)
    pickler.dump(value)
    stem = Path(path).stem
    entries = [(f"{stem}/data.pkl", file.getvalue()), (f"{stem}/byteorder", order.encode())]
    for key, storage in pickler.storages.items():
        data = storage.data if order == "little" else storage.data.byteswap()
        entries.append((f"{stem}/data/{key}", data.tobytes()))
    write_zip(path, entries + [(f"{stem}/version", b"3\n")], **options)


def save_legacy(path, value):
    """What it wrote before, or writes with `_use_new_zipfile_serialization=False`."""
    with open(HERE / path, "wb") as file:
        pickle.dump(0x1950A86A20F9469CFC6C, file, protocol=2)
        pickle.dump(1001, file, protocol=2)
        sizes = {"short": 2, "int": 4, "long": 8}
        pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}, file, protocol=2)
        pickler = Pickler(file, is_legacy=True)
        pickler.dump(value)
        keys = sorted(pickler.storages)
        pickle.dump(keys, file, protocol=2)
        for key in keys:
            data = pickler.storages[key].data
            file.write(struct.pack("<q", len(data)) + data.tobytes())


class StateDict(collections.OrderedDict):
    """An OrderedDict with the attribute that nn.Module.state_dict gives it."""

    def __reduce__(self):
        metadata = collections.OrderedDict([("", {"version": 1})])
        return collections.OrderedDict, (), {"_metadata": metadata}, None, iter(self.items())


def state(seed):
    random = np.random.default_rng(seed)
    shared = Storage("Float", random.standard_normal(24))
    tensors = StateDict()
    tensors["plain.weight"] = Tensor(Storage("Float", random.standard_normal(12)), (3, 4))
    tensors["parameter"] = Parameter(Tensor(Storage("Float", random.standard_normal(3)), (3,)))
    tensors["shared.rows"] = Tensor(shared, (4, 6))
    tensors["shared.transposed"] = Tensor(shared, (6, 4), (1, 6))
    tensors["shared.middle"] = Tensor(shared, (2, 3), (6, 2), 7)
    tensors["channels_last"] = Tensor(Storage("Float", random.standard_normal(24)), (1, 2, 3, 4), (24, 1, 8, 2))
    tensors["expanded"] = Tensor(Storage("Float", [2.5]), (2, 3), (0, 0))
    tensors["scalar"] = Tensor(Storage("Float", [1.25]), ())
    tensors["empty"] = Tensor(Storage("Float", []), (0, 3))
    for kind in TYPES:
        if kind not in ("Float", "Bool"):
            values = [0, 1, 2, 100] if kind == "Byte" else [0, 1, -2, 100]
            tensors[f"types.{kind}"] = Tensor(Storage(kind, values), (2, 2))
    tensors["bool"] = Tensor(Storage("Bool", [1, 0]), (2,))
    return tensors


class Call:
    """An object that a pickle makes by a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def main():
    first, second = state(1), state(2)
    save("zip.pth", first)
    save("zip64.pth", first, zip64=True)
    save("big-endian.pth", first, order="big")
    save_legacy("legacy.pth", first)
    training = {"epoch": 3, "loss": 0.25, "args": argparse.Namespace(lr=0.1), "optimizer": {"state": {0: {"step": 7}}}}
    save("nested.pth", {**training, "state_dict": first})
    save("two.pth", {**training, "model": first, "model_ema": second})
    save_legacy("legacy-nested.pth", {"model": first, "epoch": 3})
    save("evil-system.pth", {"weight": Call(os.system, "touch /tmp/owned")})
    save("evil-eval.pth", {"weight": Call(eval, "1+1")})
    save("module.pth", nn.Linear())
    save("compressed.pth", first, method=8)
    # Each list holds the one before it twice: a reader that followed them would never end.
    bomb = [Tensor(Storage("Float", [1]), (1,))]
    for _ in range(100):
        bomb = [bomb, bomb]
    save("bomb.pth", {"a": bomb, "weight": Tensor(Storage("Float", [1.0]), (1,))})
    save("huge.pth", {"weight": Tensor(Storage("Float", [1.0]), (1 << 40, 1 << 20), (0, 0))})
    few = {name: first[name] for name in ("plain.weight", "shared.rows", "shared.transposed", "types.Half")}
    save("small.pth", {"epoch": 3, "state_dict": few})
    save("outside.pth", {"weight": Tensor(Storage("Float", [1.0, 2.0]), (2, 2))})
    expected = {}
    for prefix, tensors in (("first.", first), ("second.", second)):
        for name, tensor in tensors.items():
            tensor = tensor.tensor if isinstance(tensor, Parameter) else tensor
            if name != "bool":
                expected[prefix + name] = tensor.numbers().astype("<f4").reshape(tensor.size)
    save_file(expected, HERE / "expected.safetensors")


main()
