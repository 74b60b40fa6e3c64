package import Engine
internal import Imaging
package import Inference
package import Models
internal import Platform
package import Support

/// Numbers that a network makes of an input on the way to its answer.
package struct Features: Sendable, Equatable {
    package let shape: Shape
    package let values: [Float]
}

/// The way of images and sequences to the vectors that a model makes of them, which are alike where they are.
///
/// Usually that is what the last layer takes, a map of it averaged over its positions; else a value of the network by name. They
/// take the ways of what is classified and predicted, through a network that ends where they are.
package struct FeatureExtraction: Sendable {
    /// What of a model is wanted.
    package struct Layer: Sendable {
        /// Nil for what the last layer takes.
        package let name: String?
        /// The shape for an input of the model's own size.
        package let shape: Shape
        let network: ServedNetwork
        /// Whether vectors are divided by their length.
        let normalizes: Bool

        /// Finds a value of a model's network.
        ///
        /// - Throws: `ServingError` 400 with the nearest name, and for a model that has no features of its own.
        package init(_ name: String?, of model: Model) throws(ServingError) {
            if case .regions = model.input {
                throw .badRequest(
                    "model '\(model.name)' has features of regions, not of an image; use ':detect'",
                    code: "wrong_task"
                )
            }
            normalizes = name == nil && model.manifest.vector?.normalizes ?? false
            if name == nil, case .vector(let port) = model.head {
                (self.name, network, shape) = (nil, model.network, Shape(port.dimensions))
                return
            }
            let graph = model.graph
            guard let value = name.map({ graph.value(named: $0) }) ?? graph.features else {
                throw Self.unknown(name, model)
            }
            self.name = name
            network = model.pipeline.network(giving: value, isAveraged: name == nil)
            shape = network.graph.shape(of: network.graph.outputs[0].value)
        }

        private static func unknown(_ name: String?, _ model: Model) -> ServingError {
            guard let name else {
                return .badRequest(
                    "layer: model '\(model.name)' has no last layer with features; name a layer",
                    code: "unknown_layer"
                )
            }
            let hint =
                nearestName(to: name, in: model.graph.valueNames).map { "; did you mean '\($0)'?" } ?? ""
            return .badRequest(
                "layer: model '\(model.name)' has no '\(name.clipped(to: 200))'\(hint)",
                code: "unknown_layer"
            )
        }

        /// The features of a run.
        ///
        /// - Throws: `ServingError` with status 500 when a number is not finite.
        func features(_ shape: Shape, _ values: [Float]) throws(ServingError) -> Features {
            let values = try values.finite()
            return Features(shape: shape, values: normalizes ? Self.normalized(values) : values)
        }

        /// The vector of length 1 in the same direction; zeros stay what they are.
        private static func normalized(_ values: [Float]) -> [Float] {
            let square = values.reduce(0.0) { $0 + Double($1) * Double($1) }
            guard square > 0 else { return values }
            let length = square.squareRoot()
            return values.map { Float(Double($0) / length) }
        }

        /// The shape for an input of some shape.
        func shape(for input: Shape) -> Shape {
            // It has run on that shape already.
            guard let graph = try? network.graph.reshaped(to: input) else { return shape }
            return graph.shape(of: graph.outputs[0].value)
        }
    }

    private let classifier: ImageClassifier
    private let predictor: SequencePredictor

    /// - Parameters:
    ///   - classifier: what decodes and prepares images, and where they run.
    ///   - predictor: the same of sequences.
    package init(_ classifier: ImageClassifier, _ predictor: SequencePredictor) {
        self.classifier = classifier
        self.predictor = predictor
    }

    /// The features of the centre crop of each image; those of several run together.
    ///
    /// - Parameters:
    ///   - images: encoded; an error stands for one that could not be read.
    ///   - layer: what is wanted.
    ///   - model: whose layer it is.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: features or an error for each image.
    /// - Throws: as `ImageClassifier.classify`.
    package func features(
        ofImages images: [Result<ArraySlice<UInt8>, ServingError>],
        _ layer: Layer,
        of model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Result<Features, ServingError>] {
        guard case .image(let preprocessing) = model.input else {
            let kind = model.manifest.input.kind
            throw .badRequest("model '\(model.name)' takes \(kind), not images", code: "wrong_task")
        }
        let results = try await classifier.run(
            images: images,
            layer.network,
            preprocessing,
            ImageClassifier.Options(),
            admission,
            context: context
        )
        return results.map { result in
            result.flatMap { run in
                let crop = run.plan.placements[0]
                let shape = layer.shape(for: [crop.channels, crop.height, crop.width])
                return Result { () throws(ServingError) in try layer.features(shape, run.outputs[0]) }
            }
        }
    }

    /// The features of tensors, as the network takes them.
    ///
    /// - Throws: `ServingError` 400 for another shape; and what `Scheduler.infer` throws.
    package func features(
        ofTensors tensors: [Tensor],
        _ layer: Layer,
        of model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Features] {
        try model.check(tensors)
        try admission?.grow(
            to: tensors.count,
            size: tensors.count * model.graph.inputShape.elementCount,
            context
        )
        let inference = try await classifier.scheduler.infer(
            layer.network,
            items: tensors,
            admission: admission,
            context
        )
        return try inference.outputs.map { values throws(ServingError) in
            try layer.features(layer.shape(for: model.graph.inputShape), values)
        }
    }

    /// The features of each sequence; those of like length run together.
    ///
    /// - Parameters:
    ///   - instances: at least one.
    ///   - layer: what is wanted.
    ///   - model: whose layer it is.
    ///   - admission: the request's place at the engine.
    ///   - context: the request.
    /// - Returns: features of each, a row for each step where the layer has one.
    /// - Throws: `ServingError` for an instance that the model cannot take, and what `Scheduler.infer` throws.
    package func features(
        ofInstances instances: [Instance],
        _ layer: Layer,
        of model: Model,
        admission: Scheduler.Admission? = nil,
        _ context: RequestContext = RequestContext()
    ) async throws(ServingError) -> [Features] {
        let (sequences, lease) = try await predictor.encode(
            predictor.read(instances, for: model, context),
            for: model,
            admission,
            context
        )
        defer { withExtendedLifetime(lease) {} }
        if case .sequence = model.input {
            let size = sequences.reduce(0) { $0 + $1.tensor.shape.elementCount }
            try admission?.grow(to: sequences.count, size: size, context)
        }
        let inference = try await predictor.scheduler.infer(
            layer.network,
            items: sequences.map(\.tensor),
            admission: admission,
            context
        )
        return try zip(sequences, inference.outputs).map { sequence, values throws(ServingError) in
            try layer.features(layer.shape(for: sequence.tensor.shape), values)
        }
    }
}

extension [Float] {
    /// The numbers of a vector, all of which are finite.
    ///
    /// - Throws: `ServingError` with status 500 for one that is not.
    func finite() throws(ServingError) -> [Float] {
        guard let place = firstIndex(where: { !$0.isFinite }) else { return self }
        throw .internalError("number \(place) of the features is not a finite number", code: "not_finite")
    }
}
