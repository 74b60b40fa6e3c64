internal import Platform

/// An input or output as a file has it, before anybody says what its open extents are.
package struct OpenInput: Sendable, Equatable {
    /// One extent of its shape.
    package enum Extent: Sendable, Equatable {
        case fixed(Int)
        /// What the file leaves open, under a name or without one.
        case open(String?)
    }

    package let name: String
    package let extents: [Extent]
    /// Nil where it is of a type that is not supported.
    package let type: DataType?

    package init(name: String, extents: [Extent], type: DataType?) {
        self.name = name
        self.extents = extents
        self.type = type
    }

    /// The inputs of a file that are no constants.
    ///
    /// - Throws: `ONNXError` where the bytes are no model.
    package static func all(parsing bytes: [UInt8]) throws(ONNXError) -> [OpenInput] {
        try ports(parsing: bytes).inputs
    }

    /// The inputs of a file that are no constants, and its outputs; of an output the file need not know any extent.
    ///
    /// - Throws: `ONNXError` where the bytes are no model.
    package static func ports(
        parsing bytes: [UInt8]
    ) throws(ONNXError) -> (inputs: [OpenInput], outputs: [OpenInput]) {
        guard let file = try ModelProto(parsing: bytes).graph else {
            throw .malformed("the file holds no graph")
        }
        let constants = Set(file.initializers.map(\.name))
        let inputs = file.inputs.filter { !constants.contains($0.name) }
        return (inputs.map(OpenInput.init), file.outputs.map(OpenInput.init))
    }

    private init(_ info: ValueInfo) {
        name = info.name
        extents = (info.dimensions ?? []).map { dimension in
            switch dimension {
            case .size(let size) where size >= 0: .fixed(Int(clamping: size))
            case .named(let name): .open(name)
            default: .open(nil)
            }
        }
        type = DataType(rawValue: Int(clamping: info.type))
    }

    /// What an open extent is called where somebody gives it: by its name if that is one, else by input and axis.
    package func key(_ axis: Int) -> String { shared(axis) ?? "\(name):\(axis)" }

    /// The name of an open extent that all inputs with it share; nil where it has none, or one that means nothing.
    fileprivate func shared(_ axis: Int) -> String? {
        guard case .open(let name?) = extents[axis], name.first?.isLetter == true,
            !["none", "unk", "unknown"].contains(name.lowercased())
        else { return nil }
        return name
    }

    /// The extent of an axis that somebody gives by what it is called, or by input and axis.
    package func given(_ axis: Int, by extents: [String: Int]) -> Int? {
        extents["\(name):\(axis)"] ?? extents[key(axis)]
    }

    /// Whether it is a setting rather than data: one whole number or truth value, known when a run is.
    package var isSetting: Bool {
        type?.isInteger == true && extents.allSatisfy { $0 == .fixed(1) }
    }

    /// Whether its first extent may be that of a batch.
    fileprivate var mayBeBatched: Bool {
        switch extents.first {
        case .fixed(let extent)?: extent == 1
        case .open?: true
        case nil: false
        }
    }

    /// Whether its first extent is that of steps, by its name.
    fileprivate var beginsWithSteps: Bool {
        guard case .open(let name?)? = extents.first else { return false }
        return !Self.isBatch(name) && Self.isSteps(name)
    }

    fileprivate static func isBatch(_ name: String) -> Bool { name.lowercased().contains("batch") }

    private static func isSteps(_ name: String) -> Bool {
        let name = name.lowercased()
        return name == "t" || ["seq", "time", "step", "len", "frame", "token"].contains { name.contains($0) }
    }
}

extension [OpenInput] {
    /// Whether the first extents of all inputs but settings are that of a batch, as far as their names say.
    ///
    /// They are not where steps come first, or the batch is another one.
    package var areBatched: Bool {
        let inputs = filter { !$0.isSetting }
        let hasBatchBehind = inputs.contains { input in
            input.extents.dropFirst().contains { extent in
                if case .open(let name?) = extent { OpenInput.isBatch(name) } else { false }
            }
        }
        return inputs.allSatisfy {
            $0.mayBeBatched && !$0.beginsWithSteps && (!hasBatchBehind || $0.extents[0] == .fixed(1))
        }
    }

    /// The extents that a file leaves open, but for that of the batch, and that nobody gives: what they are called, and the
    /// inputs and axes that have them.
    package func open(beside given: [String: Int]) -> [(key: String, places: [(input: OpenInput, axis: Int)])]
    {
        var found: [(key: String, places: [(input: OpenInput, axis: Int)])] = []
        for input in self {
            for axis in input.extents.indices.dropFirst(areBatched ? 1 : 0) {
                guard case .open = input.extents[axis], input.given(axis, by: given) == nil else { continue }
                let key = input.key(axis)
                if let index = found.firstIndex(where: { $0.key == key }) {
                    found[index].places.append((input, axis))
                } else {
                    found.append((key, [(input, axis)]))
                }
            }
        }
        return found
    }

    /// The shapes of inputs, of one item where there is a batch, whose open extents somebody gives; nil where one is missing.
    package func shapes(_ extents: [String: Int]) -> [String: [Int]]? {
        var shapes: [String: [Int]] = [:]
        for input in self {
            var shape: [Int] = []
            for (axis, extent) in input.extents.enumerated() {
                if case .fixed(let size) = extent {
                    shape.append(size)
                } else if let given = input.given(axis, by: extents) {
                    shape.append(given)
                } else {
                    guard axis == 0, areBatched else { return nil }
                    shape.append(1)
                }
            }
            shapes[input.name] = shape
        }
        return shapes
    }
}

/// What the shapes of tensors say about a network: the extents that its file leaves open, and how many items there are.
package struct GivenShapes: Sendable, Equatable {
    /// By input and axis, as `ImportedNetwork.Options` has them.
    package let dimensions: [String: Int]
    /// The first extent of all inputs, where all are batched and have the same one, else 1.
    package let batch: Int

    /// - Parameters:
    ///   - shapes: of the tensors, by the names of the inputs.
    ///   - inputs: of the file, of which settings are passed over.
    ///   - fixed: extents that are given otherwise, by what `OpenInput.key` calls them.
    /// - Throws: `ONNXError` where a tensor is missing, or its extents are not those of the file.
    package init(
        _ shapes: [String: [Int]],
        for inputs: [OpenInput],
        fixed: [String: Int] = [:]
    ) throws(ONNXError) {
        let inputs = inputs.filter { !$0.isSetting }
        var named: [String: (extent: Int, input: String)] = [:]
        var dimensions: [String: Int] = [:]
        for input in inputs {
            guard let shape = shapes[input.name] else {
                throw .malformed("no tensor is given for input '\(input.name)'")
            }
            try Self.check(shape, of: input, fixed, &named)
            for (axis, extent) in input.extents.enumerated() {
                if case .open = extent { dimensions["\(input.name):\(axis)"] = shape[axis] }
            }
        }
        let firsts = Set(inputs.compactMap { shapes[$0.name]?.first })
        // One that the file has at 1, and that comes with more, says so too.
        let areBatched =
            inputs.areBatched
            || inputs.contains { $0.extents.first == .fixed(1) && (shapes[$0.name]?[0] ?? 1) > 1 }
        let isBatched =
            firsts.count == 1 && areBatched
            && inputs.allSatisfy { $0.mayBeBatched && $0.given(0, by: fixed) == nil }
        batch = isBatched ? firsts.first ?? 1 : 1
        if !isBatched,
            let odd = inputs.first(where: { $0.extents.first == .fixed(1) && shapes[$0.name]?[0] != 1 })
        {
            throw .malformed("input '\(odd.name)': other inputs have another first extent, so it must be 1")
        }
        if isBatched {
            for input in inputs { dimensions["\(input.name):0"] = 1 }
        }
        self.dimensions = dimensions.merging(fixed) { own, _ in own }
    }

    /// Requires that a shape is one that an input may have, beside those that come before it.
    private static func check(
        _ shape: [Int],
        of input: OpenInput,
        _ fixed: [String: Int],
        _ named: inout [String: (extent: Int, input: String)]
    ) throws(ONNXError) {
        guard shape.count == input.extents.count else {
            let expected = input.extents.indices.map { axis in
                if case .fixed(let size) = input.extents[axis] { "\(size)" } else { input.key(axis) }
            }
            throw .malformed(
                "input '\(input.name)': expected \(expected.count) dimensions, "
                    + "\(expected.joined(separator: "×")), found \(shape)"
            )
        }
        for (axis, (found, extent)) in zip(shape, input.extents).enumerated() {
            let place = "input '\(input.name)', dimension \(axis)"
            guard found > 0 else { throw .malformed("\(place): expected at least 1, found \(found)") }
            if case .fixed(let size) = extent {
                guard size == found || axis == 0 && size == 1 else {
                    throw .malformed("\(place): expected \(size), found \(found)")
                }
                continue
            }
            if let given = input.given(axis, by: fixed), given != found {
                throw .malformed("\(place): expected \(given), found \(found)")
            }
            guard let name = input.shared(axis) else { continue }
            if let (other, source) = named[name], other != found {
                throw .malformed(
                    "\(place): expected \(other), which '\(name)' is in input '\(source)', found \(found)"
                )
            }
            named[name] = named[name] ?? (found, input.name)
        }
    }
}
