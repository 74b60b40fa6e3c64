/// A value of a pickle, as far as tensors are made of it.
///
/// What may contain others lies in the `PickleHeap` and is referred to by its number there, so that a value which contains
/// itself, or is nested a million times, is nothing special.
enum PickleValue {
    case none
    case bool(Bool)
    case int(Int)
    /// An integer of more than 64 bits, lowest byte first.
    case long([UInt8])
    case string(String)
    /// A number or bytes that nobody needs, or an object of a type that holds no tensors.
    case inert
    case global(PickleGlobal)
    /// A tuple, a list or a set.
    case list(Int)
    case dictionary(Int)
    case storage(Int)
    case tensor(Int)
}

/// Where the numbers of tensors lie, as a pickle refers to it.
struct StorageReference {
    /// Which of the file's blocks of numbers.
    let key: String
    /// nil where each tensor says it itself.
    let type: ElementType?
    /// How many numbers the storage has; bytes where it has no type.
    let count: Int
    /// At which of the block's numbers it begins.
    let start: Int
}

/// A tensor as a pickle describes it: a view of a storage.
struct TensorView {
    let storage: StorageReference
    let type: ElementType
    /// The first of its numbers in the storage.
    let offset: Int
    let shape: Shape
    /// How many numbers lie between neighbours along each dimension.
    let strides: [Int]
}

/// Everything that the values of a file's pickles refer to.
struct PickleHeap {
    var lists: [[PickleValue]] = []
    var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    var storages: [StorageReference] = []
    var tensors: [TensorView] = []

    mutating func list(_ elements: [PickleValue]) -> PickleValue {
        lists.append(elements)
        return .list(lists.count - 1)
    }

    mutating func dictionary(_ entries: [(key: PickleValue, value: PickleValue)] = []) -> PickleValue {
        dictionaries.append(entries)
        return .dictionary(dictionaries.count - 1)
    }

    /// The elements of a list or tuple; nil for anything else.
    func elements(_ value: PickleValue) -> [PickleValue]? {
        guard case .list(let index) = value else { return nil }
        return lists[index]
    }

    /// Whole numbers, in a list or tuple; nil for anything else.
    func integers(_ value: PickleValue) -> [Int]? {
        guard let elements = elements(value), elements.count <= SafetensorsHeader.maxRank else { return nil }
        var integers: [Int] = []
        for element in elements {
            guard case .int(let integer) = element else { return nil }
            integers.append(integer)
        }
        return integers
    }

    /// What is under the keys of a dictionary that are strings; of two under one key the last.
    func members(_ value: PickleValue) -> [(name: String, value: PickleValue)]? {
        guard case .dictionary(let index) = value else { return nil }
        var places: [String: Int] = [:]
        var members: [(name: String, value: PickleValue)] = []
        for entry in dictionaries[index] {
            guard case .string(let name) = entry.key else { continue }
            if let place = places[name] {
                members[place].value = entry.value
            } else {
                places[name] = members.count
                members.append((name, entry.value))
            }
        }
        return members
    }
}

/// A name in a pickle of which it is known here what it means.
///
/// Nothing is ever looked up or called: a name that is not in this table ends the reading.
enum PickleGlobal {
    /// `_rebuild_tensor`, `_v2`, `_v3`: a tensor from a storage, an offset, a size and strides.
    case rebuildTensor(hasType: Bool)
    /// The tensor that is its first argument.
    case rebuildParameter
    /// A tensor of a subclass: the function, the class, its arguments.
    case rebuildFromType
    case tensorClass
    case storage(ElementType?)
    case elementType(ElementType)
    case dictionary
    /// A type whose instances are sequences of numbers.
    case sequence
    /// A type whose instances hold no weights.
    case inert

    // swift-format-ignore
    private static let table: [String: PickleGlobal] = [
        "torch._utils._rebuild_tensor": .rebuildTensor(hasType: false),
        "torch._utils._rebuild_tensor_v2": .rebuildTensor(hasType: false),
        "torch._utils._rebuild_tensor_v3": .rebuildTensor(hasType: true),
        "torch._utils._rebuild_parameter": .rebuildParameter,
        "torch._utils._rebuild_parameter_with_state": .rebuildParameter,
        "torch._tensor._rebuild_from_type_v2": .rebuildFromType,
        "torch._tensor._rebuild_from_type": .rebuildFromType,
        "torch.Tensor": .tensorClass,                "torch._tensor.Tensor": .tensorClass,
        "torch.nn.parameter.Parameter": .tensorClass, "torch.nn.parameter.Buffer": .tensorClass,
        "torch.FloatStorage": .storage(.f32),        "torch.float32": .elementType(.f32), "torch.float": .elementType(.f32),
        "torch.HalfStorage": .storage(.f16),         "torch.float16": .elementType(.f16), "torch.half": .elementType(.f16),
        "torch.BFloat16Storage": .storage(.bf16),    "torch.bfloat16": .elementType(.bf16),
        "torch.DoubleStorage": .storage(.f64),       "torch.float64": .elementType(.f64), "torch.double": .elementType(.f64),
        "torch.LongStorage": .storage(.i64),         "torch.int64": .elementType(.i64),   "torch.long": .elementType(.i64),
        "torch.IntStorage": .storage(.i32),          "torch.int32": .elementType(.i32),   "torch.int": .elementType(.i32),
        "torch.ShortStorage": .storage(.i16),        "torch.int16": .elementType(.i16),   "torch.short": .elementType(.i16),
        "torch.CharStorage": .storage(.i8),          "torch.int8": .elementType(.i8),
        "torch.ByteStorage": .storage(.u8),          "torch.uint8": .elementType(.u8),
        "torch.BoolStorage": .storage(.bool),        "torch.bool": .elementType(.bool),
        "torch.ComplexFloatStorage": .storage(.c64), "torch.complex64": .elementType(.c64),
        "torch.uint16": .elementType(.u16), "torch.uint32": .elementType(.u32), "torch.uint64": .elementType(.u64),
        "torch.float8_e4m3fn": .elementType(.f8e4m3), "torch.float8_e5m2": .elementType(.f8e5m2),
        "torch.storage.UntypedStorage": .storage(nil), "torch.UntypedStorage": .storage(nil),
        "collections.OrderedDict": .dictionary, "collections.defaultdict": .dictionary, "collections.Counter": .dictionary,
        "builtins.dict": .dictionary, "__builtin__.dict": .dictionary,
        "torch.Size": .sequence, "builtins.list": .sequence, "builtins.tuple": .sequence, "builtins.set": .sequence,
        "__builtin__.set": .sequence, "builtins.int": .inert, "builtins.float": .inert,
        "torch.device": .inert, "torch.serialization._get_layout": .inert, "torch.torch_version.TorchVersion": .inert,
        "torch._C.Generator": .inert, "argparse.Namespace": .inert, "pathlib.PosixPath": .inert, "pathlib.Path": .inert,
        "numpy.dtype": .inert, "numpy.core.multiarray.scalar": .inert, "numpy._core.multiarray.scalar": .inert,
        "_codecs.encode": .inert, "datetime.datetime": .inert,
    ]

    /// What a name means; nil for one that is not known.
    init?(_ name: String) {
        guard let known = Self.table[name] else { return nil }
        self = known
    }
}
