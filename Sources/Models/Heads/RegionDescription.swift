internal import Engine
package import Imaging
package import Support

/// Which regions of an image an R-CNN looks at, and how they become inputs of its network, as the `regions` of its manifest
/// says it.
///
/// What is left out is the paper's: 2,000 proposals of a selective search, warped with 16 pixels of context.
package struct RegionDescription: Sendable, Equatable {
    package let proposals: RegionProposals
    /// How many regions of an image are looked at, at most.
    package let limit: Int
    package let transform: RegionTransform

    /// What a limit may be.
    package static let limits = 1...20_000

    private enum Method: String, CaseIterable {
        case selectiveSearch = "selective-search"
        case slidingWindow = "sliding-window"
    }

    private enum Mode: String, CaseIterable {
        case fast, quality
    }

    private static let keys = ["method", "mode", "limit", "transform", "padding"]
    private static let paddings = 0...256

    /// Reads the `regions` of a manifest.
    package init(_ reader: JSONReader) throws(FormatError) {
        let fields = try reader.object(Self.keys)
        switch try fields.optional("method")?.choice(Method.self) ?? .selectiveSearch {
        case .selectiveSearch:
            let mode = try fields.optional("mode")?.choice(Mode.self) ?? .fast
            proposals = RegionProposals(.selectiveSearch(mode == .fast ? .fast : .quality))
        case .slidingWindow:
            proposals = RegionProposals(.slidingWindow)
            if let mode = fields.optional("mode") {
                throw mode.fault("only a '\(Method.selectiveSearch.rawValue)' has one")
            }
        }
        limit = try fields.optional("limit")?.integer(in: Self.limits) ?? 2000
        transform = RegionTransform(
            try fields.optional("transform")?.choice() ?? .warp,
            padding: try fields.optional("padding")?.integer(in: Self.paddings) ?? 16
        )
    }

    /// The manifest's form, with nothing left out.
    package var json: JSONValue {
        var json = JSONObject()
        switch proposals.method {
        case .selectiveSearch(let search):
            json.append("method", .string(Method.selectiveSearch.rawValue))
            json.append("mode", .string((search == .fast ? Mode.fast : .quality).rawValue))
        case .slidingWindow: json.append("method", .string(Method.slidingWindow.rawValue))
        }
        json.append("limit", .integer(limit))
        json.append("transform", .string(transform.shape.rawValue))
        json.append("padding", .integer(transform.padding))
        return .object(json)
    }
}

/// What an R-CNN's classifiers hand out of a region: the margins of the SVMs, and offsets of its box for each class.
package struct RegionHead: Sendable, Equatable {
    package let description: RegionDescription
    package let classes: Int

    package init(_ description: RegionDescription, classes: Int) {
        (self.description, self.classes) = (description, classes)
    }

    /// The outputs of the network, in the order in which a run hands them out.
    static let outputs = ["logits", "offsets"]

}

extension Manifest {
    /// From what an answer is read, of a network of the zoo.
    ///
    /// - Parameters:
    ///   - network: the one that answers.
    ///   - extractor: what makes features of regions for it, if there is one.
    /// - Returns: the regions, or the logits.
    /// - Throws: `FormatError` where its input has no room for a region beside the context.
    func head(_ network: Graph, _ extractor: Graph?) throws(FormatError) -> Head {
        guard let regions, let input = extractor?.inputShape else { return .logits }
        let most = (min(input[1], input[2]) - 1) / 2
        guard regions.transform.padding <= most else {
            throw FormatError(
                "regions.padding",
                "an input of \(input[1])×\(input[2]) has room for at most \(most), "
                    + "found \(regions.transform.padding)"
            )
        }
        let margins = network.outputs.first { $0.name == "logits" }
        let classes = margins.map { network.shape(of: $0.value).elementCount } ?? 0
        return .regions(RegionHead(regions, classes: classes))
    }
}
