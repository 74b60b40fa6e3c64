package import Engine
internal import Platform

/// A network as its paper describes it: a name, what goes in, and the table of its layers.
///
/// To add one: a file in `Architectures/` with its table, and a line in `all`.
package struct Architecture: Sendable {
    /// What a network takes.
    package enum Input: Hashable, Sendable {
        /// One image of the size that the network is published for.
        case image(channels: Int, height: Int, width: Int)
        /// Tokens or feature vectors, as many as there are.
        case sequence
        /// Images as the `extractor` takes them, as many as there are.
        case frames
        /// Regions of an image as the `extractor` takes them, each by itself.
        case regions
        /// One image as the `extractor` takes it.
        case picture
    }

    /// A table, and what stands before it.
    struct Network {
        /// A network whose output goes into the table; one without nodes says what item does.
        let base: Graph
        let layers: [Layer]
        /// Further outputs by name, each the end of a table of its own that begins where `layers` does.
        let others: [(name: String, layers: [Layer])]

        init(inputShape: Shape, layers: [Layer], others: [(name: String, layers: [Layer])] = []) {
            self.init(behind: Graph(inputShape: inputShape), layers: layers, others: others)
        }

        init(behind base: Graph, layers: [Layer], others: [(name: String, layers: [Layer])] = []) {
            (self.base, self.layers, self.others) = (base, layers, others)
        }
    }

    package let name: String
    package let input: Input
    /// Whether an item is one image of the network's own kind.
    package var takesImages: Bool { if case .image = input { true } else { false } }
    /// How many classes there are when neither the configuration nor the weights say.
    package let classes: Int
    /// What `options` may hold.
    let options: [String: OptionRule]
    /// Beginnings of tensor names that only training needs, such as auxiliary heads.
    let ignoredPrefixes: [String]
    /// The table for a number of classes.
    let network: Table
    /// The table of a network that makes the answer, step by step, of what `network` makes of the input.
    let decoder: Table?

    typealias Table = @Sendable (Int, ArchitectureConfiguration) throws(ArchitectureError) -> Network

    /// A network for images, as the table for a number of classes.
    init(
        _ name: String,
        channels: Int = 3,
        size: Extent,
        classes: Int = 1000,
        options: [String: OptionRule] = [:],
        ignoredPrefixes: [String] = [],
        table: @escaping @Sendable (_ classes: Int, ArchitectureConfiguration) -> [Layer]
    ) {
        self.name = name
        input = .image(channels: channels, height: size.height, width: size.width)
        self.classes = classes
        self.options = options
        self.ignoredPrefixes = ignoredPrefixes
        network = { classes, configuration throws(ArchitectureError) in
            Network(inputShape: [channels, size.height, size.width], layers: table(classes, configuration))
        }
        decoder = nil
    }

    /// A network for sequences; `network` reads its sizes from the configuration.
    init(
        sequence name: String,
        of input: Input = .sequence,
        classes: Int,
        options: [String: OptionRule],
        decoder: Table? = nil,
        network: @escaping Table
    ) {
        self.name = name
        self.input = input
        self.classes = classes
        self.options = options
        ignoredPrefixes = []
        self.decoder = decoder
        self.network = network
    }

    /// What stands for the network of a file that says itself what it is: it has no table.
    package static func imported(channels: Int, height: Int, width: Int, classes: Int) -> Architecture {
        Architecture(
            "onnx",
            channels: channels,
            size: Extent(height: height, width: width),
            classes: classes,
            table: { _, _ in [] }
        )
    }

    /// Every architecture, in the order of the listing.
    package static let all: [Architecture] = [
        leNets,
        alexNets,
        vggs,
        niNs,
        googLeNets,
        bnInceptions,
        inceptionV3s,
        inceptionV4s,
        inceptionResNets,
        resNets,
        resNetVariants,
        gatedResNets,
        resNetV2s,
        res2Nets,
        cifarResNets,
        denseNets,
        cifarDenseNets,
        squeezeNets,
        mobileNets,
        mobileNetV3s,
        mnasNets,
        timmMobileNets,
        timmMobileNetV3s,
        hardCoReNASs,
        mixNets,
        efficientNets,
        timmEfficientNets,
        regNets,
        convNeXts,
        shuffleNetV2s,
        ghostNets,
        hrNets,
        dlas,
        voVNets,
        selecSLSs,
        hgNets,
        cspNets,
        dpns,
        repVGGs,
        reXNets,
        xceptions,
        alignedXceptions,
        recurrentNetworks,
        encoderDecoders,
        frameNetworks,
        regionNetworks,
        captioners,
    ].flatMap(\.self)

    /// The architecture called `name`, here or in timm.
    ///
    /// - Throws: `ArchitectureError.unknownArchitecture` with the nearest name.
    package static func named(_ name: String) throws(ArchitectureError) -> Architecture {
        let own = libraryNames[name] ?? name
        guard let architecture = all.first(where: { $0.name == own }) else {
            throw .unknownArchitecture(name, nearest: nearestName(to: name, in: all.map(\.name)))
        }
        return architecture
    }

    /// Whether the network can turn what ImageNet's statistics normalise into −1 … 1, by its option `transform_input`.
    package var transformsInput: Bool { options["transform_input"] != nil }

    /// Whether the answer is made step by step, by the network of `decoderGraph`.
    package var hasDecoder: Bool { decoder != nil }

    /// The network as a graph with the outputs `logits` and `probabilities`; an encoder's `logits` are its decoder's
    /// input.
    ///
    /// - Throws: `ArchitectureError` when the configuration does not fit the architecture or the weights' shapes.
    package func graph(
        _ configuration: ArchitectureConfiguration = ArchitectureConfiguration()
    ) throws(ArchitectureError) -> Graph {
        try validateOptions(configuration.options)
        try validateInput(configuration)
        let graph = try lower(network, classes: classes(for: configuration), configuration)
        guard case .image(let channels, _, _) = input, let size = configuration.imageSize else {
            return graph
        }
        do {
            return try graph.reshaped(to: [channels, size.height, size.width])
        } catch {
            throw .imageSize(architecture: name, height: size.height, width: size.width, error)
        }
    }

    /// The network that makes the answer of what `graph` gives, one step a run; nil where that is the answer.
    ///
    /// - Throws: as `graph`.
    package func decoderGraph(
        _ configuration: ArchitectureConfiguration = ArchitectureConfiguration()
    ) throws(ArchitectureError) -> Graph? {
        guard let decoder else { return nil }
        try validateOptions(configuration.options)
        try validateInput(configuration)
        return try lower(decoder, classes: classes(for: configuration), configuration)
    }

    /// What makes the features of frames or regions that `graph` takes; nil for a network that takes something else.
    ///
    /// - Throws: `ArchitectureError` when the configuration names no network that has features.
    package func extractor(
        _ configuration: ArchitectureConfiguration = ArchitectureConfiguration()
    ) throws(ArchitectureError) -> FeatureExtractor? {
        [.frames, .regions].contains(input) ? try FeatureExtractor(configuration, for: name) : nil
    }

    /// Whether a tensor of that name may be in a weights file although the network does not use it.
    package func ignores(_ tensorName: String) -> Bool {
        tensorName == "num_batches_tracked" || tensorName.hasSuffix(".num_batches_tracked")
            || ignoredPrefixes.contains { tensorName.hasPrefix($0) }
    }

    private func lower(
        _ table: Table,
        classes: Int,
        _ configuration: ArchitectureConfiguration
    ) throws(ArchitectureError) -> Graph {
        let network = try table(classes, configuration)
        do {
            return try Lowering.graph(of: network.layers, beside: network.others, behind: network.base)
        } catch {
            throw .shape(architecture: name, error)
        }
    }

    /// The configured classes, which the rows of the last trained layer must equal, or else those rows.
    private func classes(for configuration: ArchitectureConfiguration) throws(ArchitectureError) -> Int {
        let expected = configuration.classes
        if let expected, !ArchitectureConfiguration.classesRange.contains(expected) {
            throw .classes(architecture: name, expected, tensor: nil)
        }
        let graph = try lower(decoder ?? network, classes: expected ?? classes, configuration)
        guard let head = graph.nodes.last(where: { !$0.op.parameters.isEmpty }),
            let parameter = head.op.parameters.first, case let weight = "\(head.name).\(parameter.name)",
            let shape = configuration.shapes[weight], let rows = shape.dimensions.first
        else { return expected ?? classes }
        guard ArchitectureConfiguration.classesRange.contains(rows) else {
            throw .classes(architecture: name, rows, tensor: weight)
        }
        if let expected, expected != rows {
            // Of another form, it is one of the misshapen tensors that `Weights` lists.
            guard shape.dimensions.dropFirst() == parameter.shape.dimensions.dropFirst() else {
                return expected
            }
            throw .classesDisagree(architecture: name, classes: expected, tensor: weight, shape: shape)
        }
        return rows
    }

    private func validateOptions(_ values: [String: OptionValue]) throws(ArchitectureError) {
        do {
            try OptionRule.validate(values, against: options)
        } catch {
            throw .option(architecture: name, error)
        }
    }

    private func validateInput(_ configuration: ArchitectureConfiguration) throws(ArchitectureError) {
        switch input {
        case .image:
            if configuration.sequenceInput != nil { throw .takesImages(architecture: name) }
            let range = ArchitectureConfiguration.imageSideRange
            if let size = configuration.imageSize,
                !range.contains(size.height) || !range.contains(size.width)
            {
                throw .imageSide(architecture: name, height: size.height, width: size.width)
            }
        case .sequence where configuration.imageSize != nil: throw .takesSequences(architecture: name)
        case .frames where configuration.sequenceInput != nil,
            .regions where configuration.sequenceInput != nil,
            .picture where configuration.sequenceInput != nil:
            throw .takesImages(architecture: name)
        case .sequence, .frames, .regions, .picture:
            guard ArchitectureConfiguration.stepsRange.contains(configuration.steps) else {
                throw .steps(architecture: name, configuration.steps)
            }
        }
    }
}
