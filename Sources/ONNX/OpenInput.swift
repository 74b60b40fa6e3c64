internal import Platform

/// An input as a file has it, before anybody says what its open extents are.
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
        guard let file = try ModelProto(parsing: bytes).graph else {
            throw .malformed("the file holds no graph")
        }
        let constants = Set(file.initializers.map(\.name))
        return file.inputs.filter { !constants.contains($0.name) }.map { input in
            let extents = (input.dimensions ?? []).map { dimension -> Extent in
                switch dimension {
                case .size(let size) where size >= 0: .fixed(Int(clamping: size))
                case .named(let name): .open(name)
                default: .open(nil)
                }
            }
            return OpenInput(
                name: input.name,
                extents: extents,
                type: DataType(rawValue: Int(clamping: input.type))
            )
        }
    }

    /// What an open extent is called where somebody gives it: by its name if that is one, else by input and axis.
    package func key(_ axis: Int) -> String {
        if case .open(let name?) = extents[axis], name.first?.isLetter == true { return name }
        return "\(name):\(axis)"
    }

    /// Whether it is a setting rather than data: one whole number or truth value, known when a run is.
    package var isSetting: Bool {
        type?.isInteger == true && extents.allSatisfy { $0 == .fixed(1) }
    }

    /// Whether its first extent may be that of a batch.
    var mayBeBatched: Bool {
        switch extents.first {
        case .fixed(let extent)?: extent == 1
        case .open?: true
        case nil: false
        }
    }
}

/// What the shapes of tensors say about a network: the extents that its file leaves open, and how many items there are.
package struct GivenShapes: Sendable, Equatable {
    /// By input and axis, as `ImportedNetwork.Options` has them.
    package let dimensions: [String: Int]
    /// The first extent of all inputs, where all may be batched and have the same one, else 1.
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
        var dimensions: [String: Int] = [:]
        var firsts: Set<Int> = []
        let inputs = inputs.filter { !$0.isSetting }
        for input in inputs {
            guard let shape = shapes[input.name] else {
                throw .malformed("no tensor is given for input '\(input.name)'")
            }
            let fits =
                shape.count == input.extents.count
                && zip(shape, input.extents).enumerated().allSatisfy { axis, pair in
                    switch pair.1 {
                    case .fixed(let extent): pair.0 == extent || axis == 0 && extent == 1
                    case .open: pair.0 == fixed[input.key(axis)] ?? fixed["\(input.name):\(axis)"] ?? pair.0
                    }
                }
            guard fits, shape.allSatisfy({ $0 > 0 }) else {
                let expected = input.extents.enumerated().map { axis, extent in
                    if case .fixed(let size) = extent {
                        "\(size)"
                    } else {
                        fixed[input.key(axis)].map(String.init) ?? input.key(axis)
                    }
                }
                throw .malformed(
                    "input '\(input.name)': expected \(expected.joined(separator: "×")), found \(shape)"
                )
            }
            if let first = shape.first { firsts.insert(first) }
            for (axis, extent) in input.extents.enumerated() {
                if case .open = extent, fixed[input.key(axis)] == nil {
                    dimensions["\(input.name):\(axis)"] = shape[axis]
                }
            }
        }
        let isBatched =
            firsts.count == 1 && inputs.allSatisfy { $0.mayBeBatched && fixed[$0.key(0)] == nil }
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
}
