internal import Engine
internal import Imaging
internal import Models
internal import Support
internal import Tasks

/// The outputs of what is no row of numbers: objects, maps, vectors, and a network's own tensors.
extension OutputTensor {
    /// Of objects, as many for each item as the one that has most.
    init(_ kind: Kind, ofObjects outcomes: [SequencePredictor.Outcome]) {
        let items = outcomes.map { outcome -> [Detection] in
            if case .detections(let detections) = outcome { detections } else { [] }
        }
        let most = items.map(\.count).max() ?? 0
        func padded<Number: ExpressibleByIntegerLiteral>(
            _ width: Int,
            _ numbers: (Detection) -> [Number]
        ) -> [Number] {
            items.flatMap { item in
                item.flatMap(numbers) + Array(repeating: 0, count: (most - item.count) * width)
            }
        }
        switch kind {
        case .boxes:
            self.init(.fp32, [items.count, most, 4], .floats(padded(4) { $0.box.sides.map { Float($0) } }))
        case .scores: self.init(.fp32, [items.count, most], .floats(padded(1) { [$0.score] }))
        case .labels: self.init(.int64, [items.count, most], .integers(padded(1) { [Int64($0.index)] }))
        default: self.init(.int64, [items.count, 1], .integers(items.map { Int64($0.count) }))
        }
    }

    /// A class for each pixel; the images have to be of one size.
    ///
    /// - Throws: `ServingError` 400 where they are not.
    init(maps outcomes: [SequencePredictor.Outcome]) throws(ServingError) {
        let maps = outcomes.compactMap { outcome -> ClassMap? in
            if case .map(let map) = outcome { map } else { nil }
        }
        guard let first = maps.first,
            maps.allSatisfy({ ($0.height, $0.width) == (first.height, first.width) })
        else {
            let message = "the images are of several sizes, whose maps are not one tensor"
            throw .badRequest("\(message); send them one by one", code: "ragged_tensor")
        }
        let classes = maps.flatMap { $0.classes.map { Int64($0) } }
        self.init(.int32, [maps.count, first.height, first.width], .whole(classes, bytes: 4))
    }

    init(vectors outcomes: [SequencePredictor.Outcome]) {
        let vectors = outcomes.compactMap { outcome -> Features? in
            if case .vector(let features) = outcome { features } else { nil }
        }
        let shape = vectors.first?.shape.dimensions ?? []
        self.init(.fp32, [vectors.count] + shape, .floats(vectors.flatMap(\.values)))
    }

    /// An output of a network by its place among them.
    ///
    /// - Throws: `ServingError` 500 for a number that its type, or JSON, has no form for.
    init(
        port index: Int,
        of ports: NetworkPorts,
        as type: DataType,
        _ outcomes: [SequencePredictor.Outcome],
        isBinary: Bool
    ) throws(ServingError) {
        let port = ports.outputs[index]
        let numbers = outcomes.flatMap { outcome -> ArraySlice<Float> in
            if case .tensors(let outputs) = outcome { ports.parts(of: outputs)[index] } else { [] }
        }
        let isWhole = type.isInteger || type == .bool
        if isWhole || !isBinary, let place = numbers.firstIndex(where: { !$0.isFinite }) {
            throw TensorPredictions.notFinite(place, of: port)
        }
        let shape = (ports.isBatched ? [outcomes.count] : []) + port.dimensions
        switch type {
        case .bool: self.init(type, shape, .truths(numbers.map { $0 != 0 }))
        case .fp64: self.init(type, shape, .doubles(numbers.map(Double.init)))
        case _ where type.isInteger:
            let whole = numbers.map { number in
                Int64(exactly: number.rounded(.towardZero)) ?? (number < 0 ? .min : .max)
            }
            self.init(type, shape, .whole(whole, bytes: type.elementType?.size ?? 8))
        default: self.init(type, shape, .floats(numbers))
        }
    }
}
