package import Engine
internal import ONNX

/// A value that goes into a network or comes out of it.
package struct TensorPort: Sendable, Equatable {
    package let name: String
    /// Of an item: without the batch where there is one.
    package let dimensions: [Int]
    /// What its numbers are, which the engine has as 32-bit floats.
    package let type: ElementType

    package init(_ name: String, _ dimensions: [Int], _ type: ElementType) {
        (self.name, self.dimensions, self.type) = (name, dimensions, type)
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
    init(_ network: ImportedNetwork) {
        let isBatched = (network.inputs + network.outputs).allSatisfy { $0.dimensions.first == 1 }
        func port(_ port: ImportedNetwork.Port) -> TensorPort {
            let dimensions = isBatched ? Array(port.dimensions.dropFirst()) : port.dimensions
            return TensorPort(port.name, dimensions, port.type.elementType)
        }
        self.init(
            inputs: network.inputs.map(port),
            outputs: network.allOutputs.map(port),
            isBatched: isBatched
        )
    }

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
