/// Names and calls: what of a pickle is more than data, and what is noted of it.
extension PickleReader {
    mutating func stackGlobal() throws(Problem) {
        guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
            throw .checkpoint("its pickle names something by what is no name")
        }
        try push(Self.global(module, name))
    }

    static func global(_ module: String, _ name: String) throws(Problem) -> PickleValue {
        if let known = PickleGlobal("\(module).\(name)") { return .global(known) }
        throw .refused(refusal(of: module, name))
    }

    /// Where the classes of networks are defined: who saves a network itself, and not its state dict, has these in the file.
    private static let networkModules = [
        "torch.nn.", "torchvision.", "timm.", "models.", "__main__", "ultralytics.",
    ]

    private static func refusal(of module: String, _ name: String) -> String {
        let full = quoted("\(module).\(name)")
        guard networkModules.contains(where: { "\(module).".hasPrefix($0) || module == $0 }) else {
            return
                "it holds \(full), which is no tensor: nothing in a pickle is executed here; save the state dict alone: "
                + "torch.save(model.state_dict(), …)"
        }
        return wholeModule(full)
    }

    private static func wholeModule(_ name: String) -> String {
        "it holds a whole network of the class \(name), which needs that class's code: save its state dict instead: "
            + "torch.save(model.state_dict(), …)"
    }

    /// Notes what a call would rebuild.
    mutating func rebuilt(
        _ function: PickleValue,
        _ arguments: PickleValue
    ) throws(Problem) -> PickleValue {
        guard case .global(let global) = function, let arguments = heap.elements(arguments) else {
            throw .refused("its pickle calls something that is no function that rebuilds tensors")
        }
        switch global {
        case .rebuildTensor(let hasType): return try tensor(arguments, hasType: hasType)
        case .rebuildParameter:
            guard case .tensor? = arguments.first else {
                throw .checkpoint("a parameter is made of no tensor")
            }
            return arguments[0]
        case .rebuildFromType:
            guard arguments.count >= 3, case .global(.tensorClass) = arguments[1],
                case .global(.rebuildTensor) = arguments[0]
            else { throw .refused("it holds a tensor of a class of its own") }
            return try rebuilt(arguments[0], arguments[2])
        case .dictionary: return try dictionary(arguments)
        case .sequence:
            // The same one, not a copy: a call must not cost more than a step.
            if case .list? = arguments.first { return arguments[0] }
            return heap.list([])
        case .inert: return .inert
        case .tensorClass, .storage, .elementType:
            throw .refused("it holds a tensor in a form that PyTorch's own files do not have")
        }
    }

    /// `OrderedDict()`, `OrderedDict([[key, value], …])`, `defaultdict(factory)`, `Counter({…})`.
    private mutating func dictionary(_ arguments: [PickleValue]) throws(Problem) -> PickleValue {
        guard let first = arguments.first else { return heap.dictionary() }
        if case .dictionary = first { return first }
        guard let pairs = heap.elements(first) else { return heap.dictionary() }
        var entries: [(key: PickleValue, value: PickleValue)] = []
        for pair in pairs {
            guard let pair = heap.elements(pair), pair.count == 2 else {
                throw .checkpoint("a dictionary is made of what are no pairs")
            }
            entries.append((pair[0], pair[1]))
        }
        try count(entries.count)
        return heap.dictionary(entries)
    }

    /// `(storage, offset, size, stride, requires_grad, hooks[, dtype][, metadata])`.
    private mutating func tensor(_ arguments: [PickleValue], hasType: Bool) throws(Problem) -> PickleValue {
        guard arguments.count >= 4, case .storage(let index) = arguments[0],
            case .int(let offset) = arguments[1],
            let sizes = heap.integers(arguments[2]), let strides = heap.integers(arguments[3])
        else {
            throw .checkpoint(
                "a tensor is made of something else than a storage, an offset, a size and strides"
            )
        }
        let storage = heap.storages[index]
        var type = storage.type
        if hasType {
            guard arguments.count >= 7, case .global(.elementType(let own)) = arguments[6] else {
                throw .checkpoint("a tensor without a type")
            }
            type = own
        }
        guard let type else { throw .checkpoint("a tensor without a type") }
        guard offset >= 0, sizes.count == strides.count, sizes.allSatisfy({ $0 >= 0 }),
            strides.allSatisfy({ $0 >= 0 })
        else { throw .checkpoint("a tensor of size \(sizes) with strides \(strides) at \(offset)") }
        let view = TensorView(
            storage: storage,
            type: type,
            offset: offset,
            shape: Shape(sizes),
            strides: strides
        )
        heap.tensors.append(view)
        return .tensor(heap.tensors.count - 1)
    }

    /// `('storage', type, key, location, count[, view])`.
    mutating func storage(_ identifier: PickleValue) throws(Problem) -> PickleValue {
        guard let parts = heap.elements(identifier), case .string(let kind)? = parts.first else {
            throw .checkpoint("it refers to something that is no storage")
        }
        if kind == "module" { throw .refused(Self.wholeModule("whose source it brings along")) }
        guard kind == "storage", parts.count >= 5, case .global(.storage(let type)) = parts[1],
            case .int(let count) = parts[4], count >= 0
        else { throw .checkpoint("it refers to a storage in a form that is not known") }
        let key: String
        switch parts[2] {
        case .string(let text): key = text
        case .int(let number): key = "\(number)"
        default: throw .checkpoint("a storage has no name")
        }
        var start = 0
        if parts.count > 5, let view = heap.elements(parts[5]) {
            // (key, offset, count): a part of another storage, in files from before PyTorch 0.4.
            guard view.count == 3, case .int(let offset) = view[1], offset >= 0 else {
                throw .checkpoint("a storage is a part of another that is not there")
            }
            start = offset
        }
        heap.storages.append(StorageReference(key: key, type: type, count: count, start: start))
        return .storage(heap.storages.count - 1)
    }

    /// Requires that the state that was set is that of something whose state does not matter.
    func requireObject() throws(Problem) {
        switch stack.last {
        case .dictionary?, .inert?, .tensor?, .list?: return
        default: throw .refused("its pickle sets the state of something that has none")
        }
    }

    static func refusal(ofOpcode code: UInt8) -> String {
        let names: [UInt8: String] = [
            UInt8(ascii: "i"): "INST", UInt8(ascii: "o"): "OBJ", UInt8(ascii: "P"): "PERSID",
            0x92: "NEWOBJ_EX",
            0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER", UInt8(ascii: "2"): "DUP",
        ]
        let printable = 0x21...0x7E ~= code ? " '\(Character(UnicodeScalar(code)))'" : ""
        let name = names[code].map { " (\($0))" } ?? ""
        return "its pickle has the opcode \(code)\(printable)\(name), which no state dict of PyTorch needs"
    }
}
