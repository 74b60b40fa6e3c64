package import Engine
package import Support

/// A detector's outputs, matched with what its manifest says of them.
package struct BoxHead: Sendable, Equatable {
    package let description: BoxDescription
    /// The outputs that boxes are read from, in this order: one of `yolov8` and `yolox`; else boxes, scores, and where there
    /// are such, labels or priors.
    package let parts: [TensorPort]
    package let anchors: Int
    /// Without the background.
    package let classes: Int
    /// Of one output: whether its rows are anchors, not what is told of them.
    package let isAnchorMajor: Bool
    /// Boxes of `ssd` that were computed; the centre's x and y, width, height.
    package let priors: [Double]?
    /// The size of the network's input.
    package let height: Int
    package let width: Int

    /// - Parameters:
    ///   - description: what the manifest says.
    ///   - outputs: what the network gives.
    ///   - input: channels × height × width.
    ///   - classes: how many there are by the manifest; nil leaves it to the outputs.
    /// - Throws: `FormatError` that says what does not fit.
    package init(
        _ description: BoxDescription,
        _ outputs: [TensorPort],
        input: Shape,
        classes: Int?
    ) throws(FormatError) {
        self.description = description
        (height, width) = (input[1], input[2])
        switch description.format {
        case .yolov8, .yolox:
            let port = try Self.port(description.output, "output", outputs, matrix: true)
            let (rows, columns) = (port.dimensions[0], port.dimensions[1])
            let extra = description.format == .yolov8 ? 4 : 5
            // A published export has anchors behind, or before, and always more of them than numbers of each.
            let known = classes.map { $0 + extra }
            isAnchorMajor =
                known == columns && known != rows
                || !(known == rows && known != columns) && description.format == .yolox
            parts = [port]
            anchors = isAnchorMajor ? rows : columns
            self.classes = (isAnchorMajor ? columns : rows) - extra
            priors = nil
            guard self.classes > 0 else {
                throw Self.fault("output '\(port.name)' is \(port.shown), which has no classes")
            }
            if description.format == .yolox, !description.isDecoded { try checkGrids(port) }
        case .ssd, .corners:
            let boxes = try Self.port(description.boxes, "boxes", outputs, matrix: true) { $0.last == 4 }
            let others = outputs.filter { $0.name != boxes.name }
            var named = Set([description.labels].compactMap(\.self))
            if case .output(let name)? = description.priors { named.insert(name) }
            let scores = try Self.port(
                description.scores,
                "scores",
                others.filter { !named.contains($0.name) },
                matrix: false
            )
            var parts = [boxes, scores]
            anchors = boxes.dimensions[0]
            isAnchorMajor = true
            guard boxes.dimensions[1] == 4, scores.count % max(anchors, 1) == 0, anchors > 0 else {
                throw Self.fault("expected n×4 boxes and n scores, found \(boxes.shown) and \(scores.shown)")
            }
            if let name = description.labels {
                let labels = try Self.port(name, "labels", others, matrix: false)
                guard labels.count == anchors, scores.count == anchors else {
                    throw Self.fault(
                        "expected a score and a label for each of \(anchors) boxes, found \(scores.shown) and "
                            + labels.shown
                    )
                }
                guard let classes else {
                    throw Self.fault("'labels' or 'classes' must say how many there are")
                }
                self.classes = classes
                parts.append(labels)
            } else {
                self.classes = scores.count / anchors - (description.background == nil ? 0 : 1)
            }
            guard self.classes > 0, description.background ?? 0 <= self.classes else {
                throw Self.fault("scores of \(scores.shown) have no class beside the background")
            }
            priors = description.priors?.computed(height: height, width: width)
            switch description.priors {
            case .output(let name)?:
                let port = try Self.port(name, "priors", others, matrix: false)
                guard port.count >= anchors * 4 else {
                    throw Self.fault("expected \(anchors)×4 priors, found \(port.shown)")
                }
                parts.append(port)
            case .grids?:
                let count = (priors?.count ?? 0) / 4
                guard count == anchors else {
                    throw Self.fault(
                        "the grids make \(count) prior boxes for the \(anchors) of '\(boxes.name)'"
                    )
                }
            case nil: break
            }
            self.parts = parts
        }
    }

    /// Requires that the grids have as many cells as there are anchors.
    private func checkGrids(_ port: TensorPort) throws(FormatError) {
        let cells = description.strides.reduce(0) { $0 + (height / $1) * (width / $1) }
        guard cells == anchors else {
            let strides = description.strides.map(String.init).joined(separator: ", ")
            throw Self.fault(
                "strides \(strides) make \(cells) cells of \(height)×\(width), but '\(port.name)' is \(port.shown)"
            )
        }
    }

    /// The output of a name, or the only one that fits.
    private static func port(
        _ name: String?,
        _ key: String,
        _ outputs: [TensorPort],
        matrix: Bool,
        where fits: ([Int]) -> Bool = { _ in true }
    ) throws(FormatError) -> TensorPort {
        let known = outputs.map { "'\($0.name)' of \($0.shown)" }.joined(separator: ", ")
        let candidates = outputs.filter { name == nil ? fits($0.core) : $0.name == name }
        guard let port = candidates.first, candidates.count == 1 else {
            if let name { throw fault("\(key): there is no output '\(name)'; there are \(known)") }
            throw fault("\(key): name one of the outputs \(known)")
        }
        guard matrix else { return port }
        guard port.core.count == 2 else {
            throw fault("\(key): expected an output of two dimensions, found '\(port.name)' of \(port.shown)")
        }
        return TensorPort(port.name, port.core, port.type)
    }

    private static func fault(_ message: String) -> FormatError { FormatError("boxes", message) }

    /// The parts of an item's outputs, in their order.
    package func split(_ outputs: [Float]) -> [ArraySlice<Float>] {
        var start = 0
        return parts.map { part in
            defer { start += part.count }
            return outputs[start..<start + part.count]
        }
    }
}

extension TensorPort {
    /// The dimensions without ones before two others.
    fileprivate var core: [Int] {
        let rest = dimensions.drop { $0 == 1 }
        return dimensions.count > 2 ? Array(rest.count >= 2 ? rest : dimensions.suffix(2)) : dimensions
    }

    /// For messages.
    var shown: String { dimensions.map(String.init).joined(separator: "×") }
}
