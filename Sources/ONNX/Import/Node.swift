internal import Engine

/// A node of the file with what it reads, as its lowering sees it.
struct Node {
    let name: String
    let op: String
    /// The version of `ai.onnx`'s operators.
    let opset: Int
    let attributes: [String: Attribute]
    /// Nil where an optional input is left out.
    let inputs: [Known?]
    /// How many outputs it names, with those that nobody asked for empty.
    let outputs: [String]
    let builder: GraphBuilder

    /// How a kind of node becomes operations: what its outputs are, as many as it has.
    ///
    /// It throws `NodeFault`s only; the compiler (6.3) does not survive tables of functions that say so.
    typealias Lowering = @Sendable (Node) throws -> [Known]

    /// An input that must be there.
    func input(_ index: Int) throws(NodeFault) -> Known {
        guard index < inputs.count, let known = inputs[index] else {
            throw .invalid("input \(index) is missing")
        }
        return known
    }

    /// An input that may be left out.
    func optional(_ index: Int) -> Known? { index < inputs.count ? inputs[index] : nil }

    /// An input that must be known before anything runs.
    func constant(_ index: Int, _ what: String) throws(NodeFault) -> Constant {
        guard let constant = try input(index).constant else {
            throw .unsupported("its \(what) depends on the data")
        }
        return constant
    }

    /// Whole numbers that an attribute, or since some version an input, has.
    func integers(_ name: String, orInput index: Int) throws(NodeFault) -> [Int]? {
        if let list = try integers(name) { return list }
        guard let known = optional(index) else { return nil }
        guard let constant = known.constant else { throw .unsupported("its \(name) depend on the data") }
        return constant.integers.map { Int($0) }
    }

    func integers(_ name: String) throws(NodeFault) -> [Int]? {
        switch attributes[name] {
        case nil: return nil
        case .ints(let list): return list.map { Int($0) }
        case .int(let number): return [Int(number)]
        case .tensor, .floats, .float, .string, .strings, .graph, .reference, .other:
            throw .invalid("attribute '\(name)' holds no whole numbers")
        }
    }

    func integer(_ name: String) throws(NodeFault) -> Int? {
        guard let attribute = attributes[name] else { return nil }
        guard case .int(let number) = attribute else {
            throw .invalid("attribute '\(name)' is no whole number")
        }
        return Int(number)
    }

    func flag(_ name: String, _ standard: Bool = false) throws(NodeFault) -> Bool {
        try integer(name).map { $0 != 0 } ?? standard
    }

    func float(_ name: String, _ standard: Float) throws(NodeFault) -> Float {
        switch attributes[name] {
        case nil: return standard
        case .float(let number): return number
        default: throw .invalid("attribute '\(name)' is no float")
        }
    }

    func floats(_ name: String) throws(NodeFault) -> [Float]? {
        switch attributes[name] {
        case nil: return nil
        case .floats(let list): return list
        default: throw .invalid("attribute '\(name)' holds no floats")
        }
    }

    func string(_ name: String, _ standard: String) throws(NodeFault) -> String {
        switch attributes[name] {
        case nil: return standard
        case .string(let text): return text
        default: throw .invalid("attribute '\(name)' is no text")
        }
    }

    func strings(_ name: String) throws(NodeFault) -> [String]? {
        switch attributes[name] {
        case nil: return nil
        case .strings(let list): return list
        default: throw .invalid("attribute '\(name)' holds no texts")
        }
    }

    /// An axis, which may be counted from the end, of an array of a rank.
    func axis(_ axis: Int, rank: Int) throws(NodeFault) -> Int {
        guard -rank <= axis, axis < rank else { throw .invalid("axis \(axis) of \(rank) dimensions") }
        return axis < 0 ? axis + rank : axis
    }

    func axes(_ axes: [Int], rank: Int) throws(NodeFault) -> [Int] {
        var result: [Int] = []
        for each in axes { result.append(try axis(each, rank: rank)) }
        guard Set(result).count == result.count else { throw .invalid("axes \(axes) are not different") }
        return result
    }

    /// The output at a place is asked for.
    func wants(_ output: Int) -> Bool { output < outputs.count && !outputs[output].isEmpty }
}

extension [Int] {
    /// What one index along each axis adds to the place in an array of these extents.
    var steps: [Int] {
        var steps = self
        var step = 1
        for axis in indices.reversed() {
            steps[axis] = step
            step *= self[axis]
        }
        return steps
    }

    /// For each axis where each index is.
    var tables: [[Int32]] {
        zip(self, steps).map { extent, step in (0..<extent).map { Int32($0 * step) } }
    }
}
