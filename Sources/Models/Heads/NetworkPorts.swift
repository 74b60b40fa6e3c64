package import Engine
internal import ONNX

/// A value that goes into a network or comes out of it.
package struct TensorPort: Sendable, Equatable {
    package let name: String
    /// Of an item: without the batch where there is one.
    package let dimensions: [Int]
    /// The same with −1 where a request chooses.
    package let described: [Int]
    /// What its numbers are, which the engine has as 32-bit floats.
    package let type: ElementType

    package init(_ name: String, _ dimensions: [Int], _ type: ElementType, described: [Int]? = nil) {
        (self.name, self.dimensions, self.type) = (name, dimensions, type)
        self.described = described ?? dimensions
    }

    package var count: Int { dimensions.reduce(1, *) }
}

/// All that goes into a network and comes out of it, by name.
///
/// An item of the engine has its inputs one behind the other, and what a run hands out of it its outputs.
package struct NetworkPorts: Sendable, Equatable {
    package let inputs: [TensorPort]
    package let outputs: [TensorPort]
    /// Whether a request may have several items: whether all ports have a first dimension that is open, or 1.
    package let isBatched: Bool

    package init(inputs: [TensorPort], outputs: [TensorPort], isBatched: Bool) {
        (self.inputs, self.outputs, self.isBatched) = (inputs, outputs, isBatched)
    }

    /// The ports of a network.
    ///
    /// - Parameters:
    ///   - network: for some shapes.
    ///   - file: what its file says, where requests choose shapes.
    init(_ network: ImportedNetwork, _ file: OpenFile? = nil) {
        let isBatched = (network.inputs + network.outputs).allSatisfy { $0.dimensions.first == 1 }
        func ports(_ ports: [ImportedNetwork.Port], _ open: [OpenInput]?) -> [TensorPort] {
            ports.map { port in
                func item(_ dimensions: [Int]) -> [Int] {
                    isBatched ? Array(dimensions.dropFirst()) : dimensions
                }
                let described = open?.first { $0.name == port.name }.map { open in
                    item(open.described(port.dimensions, fixed: file?.fixed ?? [:]))
                }
                return TensorPort(
                    port.name,
                    item(port.dimensions),
                    port.type.elementType,
                    described: described
                )
            }
        }
        self.init(
            inputs: ports(network.inputs, file?.inputs),
            outputs: ports(network.allOutputs, file?.outputs),
            isBatched: isBatched
        )
    }

    /// Whether requests choose the shapes of inputs.
    package var isOpen: Bool { inputs.contains { $0.described.contains(-1) } }

    /// The parts of an item's outputs, in their order.
    package func parts<Number>(of outputs: [Number]) -> [ArraySlice<Number>] {
        var start = 0
        return self.outputs.map { port in
            defer { start += port.count }
            return outputs[start..<start + port.count]
        }
    }
}

extension NetworkPorts {
    /// Makes zeros and ones of an item's numbers where an input has whole numbers or truth values.
    func makeWhole(_ values: inout [Float]) {
        var start = 0
        for port in inputs {
            if ![.f32, .f16, .bf16, .f64].contains(port.type) {
                for index in start..<start + port.count { values[index] = values[index] > 0 ? 1 : 0 }
            }
            start += port.count
        }
    }
}

extension OpenInput {
    /// The dimensions that a file says, −1 where it leaves them open.
    fileprivate func described(_ dimensions: [Int], fixed: [String: Int]) -> [Int] {
        guard extents.count == dimensions.count else { return dimensions.map { _ in -1 } }
        return extents.indices.map { axis in
            if case .fixed(let size) = extents[axis] { size } else { given(axis, by: fixed) ?? -1 }
        }
    }
}
