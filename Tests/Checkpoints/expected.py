"""Writes `FILE.safetensors` beside each checkpoint FILE: its numbers as Python's own pickle and numpy read them.

    expected.py FILE…

Only what is a tensor is made; every other class of the file becomes an empty object. For trusted files alone: Python runs what
a pickle says.
"""

import io
import pickle
import struct
import sys
import zipfile

import numpy as np
from safetensors.numpy import save_file

TYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}


class Anything:
    def __init__(self, *_, **__): ...
    def __setstate__(self, _): ...
    def __setitem__(self, *_): ...


class Reader(pickle.Unpickler):
    def __init__(self, file):
        super().__init__(file)
        self.views = []

    def find_class(self, module, name):
        if name in TYPES:
            return TYPES[name]
        if name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: self.view(storage, offset, size, stride)
        if name == "_rebuild_parameter":
            return lambda view, *_: view
        if module == "collections":
            return super().find_class(module, name)
        return Anything

    def persistent_load(self, identifier):
        return identifier[1], identifier[2]

    def view(self, storage, offset, size, stride):
        self.views.append((storage, offset, size, stride))
        return View(*self.views[-1])


class View:
    def __init__(self, storage, offset, size, stride):
        (self.type, self.key), self.offset, self.size, self.stride = storage, offset, size, stride

    def numbers(self, blocks):
        data = np.frombuffer(blocks[self.key], self.type)[self.offset:]
        strides = [step * data.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(data, self.size, strides).astype("<f4").copy()


def read(path):
    """The value of a checkpoint, and the bytes of each storage."""
    data = open(path, "rb").read()
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = name[:-len("data.pkl")] + "data/"
        blocks = {entry[len(folder):]: archive.read(entry) for entry in archive.namelist() if entry.startswith(folder)}
        return Reader(io.BytesIO(archive.read(name))).load(), blocks
    file = io.BytesIO(data)
    for _ in range(3):
        pickle.load(file)
    reader = Reader(file)
    value = reader.load()
    types = {storage[1]: storage[0] for storage, *_ in reader.views}
    blocks = {}
    for key in pickle.load(file):
        count, = struct.unpack("<q", file.read(8))
        blocks[key] = file.read(count * np.dtype(types[key]).itemsize)
    return value, blocks


def main():
    for path in sys.argv[1:]:
        value, blocks = read(path)
        own = {name: entry for name, entry in value.items() if isinstance(entry, View)}
        for nested in value.values():
            if isinstance(nested, dict):
                found = {name: entry for name, entry in nested.items() if isinstance(entry, View)}
                own = max(own, found, key=len)
        save_file({name: view.numbers(blocks) for name, view in own.items()}, path + ".safetensors")
        print(f"{path}: {len(own)} tensors")


main()
