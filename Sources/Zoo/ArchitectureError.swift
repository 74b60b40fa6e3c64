package import Engine

/// Why there is no graph for a name and a configuration.
package enum ArchitectureError: Error, Equatable {
    /// No architecture has this name.
    case unknownArchitecture(String, nearest: String?)
    /// An unknown option or one of a wrong kind.
    case option(architecture: String, OptionError)
    /// A number of classes out of range, configured or read from the tensor.
    case classes(architecture: String, Int, tensor: String?)
    /// The configured classes are not the rows of the last trained tensor.
    case classesDisagree(architecture: String, classes: Int, tensor: String, shape: Shape)
    /// An input of tokens or features for a network that takes images.
    case takesImages(architecture: String)
    /// An image size for a network that takes sequences.
    case takesSequences(architecture: String)
    /// What is wrong with the network that should make features of frames.
    case extractor(architecture: String, String)
    /// A length of a sequence out of range.
    case steps(architecture: String, Int)
    /// A vocabulary or a number of features out of range.
    case inputSize(architecture: String, Int, limit: Int)
    /// An image size out of range.
    case imageSide(architecture: String, height: Int, width: Int)
    /// An image size that a layer cannot take.
    case imageSize(architecture: String, height: Int, width: Int, ShapeError)
    /// A table whose layers do not fit each other with these options.
    case shape(architecture: String, ShapeError)
    /// Weights from which a size should be read, and what is wrong with them.
    case weights(architecture: String, String)
}

extension ArchitectureError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownArchitecture(let name, let nearest):
            "unknown architecture '\(name)'" + didYouMean(nearest)
        case .option(let name, .unknown(let path, let nearest, let known)):
            "\(name): unknown option '\(path)'"
                + (nearest == nil ? listed(known) : didYouMean(nearest))
        case .option(let name, .wrong(let path, let expected, let found)):
            "\(name): option '\(path)' must be \(expected), not \(found)"
        case .classes(let name, let classes, let tensor):
            "\(name): expected 1 to \(ArchitectureConfiguration.classesRange.upperBound) classes, found \(classes)"
                + (tensor.map { " rows in tensor '\($0)'" } ?? "")
        case .classesDisagree(let name, let classes, let tensor, let shape):
            "\(name): classes is \(classes) but tensor '\(tensor)' is \(shape), so the weights have \(shape[0])"
        case .takesImages(let name):
            "\(name): takes images, not sequences; remove the input of tokens or features"
        case .takesSequences(let name):
            "\(name): takes sequences, not images; remove the image size"
        case .steps(let name, let steps):
            "\(name): expected 1 to \(ArchitectureConfiguration.stepsRange.upperBound) steps, found \(steps)"
        case .inputSize(let name, let size, let limit):
            "\(name): expected an input of 1 to \(limit) tokens or features, found \(size)"
        case .imageSide(let name, let height, let width):
            "\(name): expected an image with sides of 1 to"
                + " \(ArchitectureConfiguration.imageSideRange.upperBound), found \(height)×\(width)"
        case .imageSize(let name, let height, let width, let error):
            "\(name): cannot take images of \(height)×\(width): \(error.description)"
        case .shape(let name, let error):
            "\(name): \(error.description)"
        case .extractor(let name, let problem), .weights(let name, let problem):
            "\(name): \(problem)"
        }
    }

    private func didYouMean(_ nearest: String?) -> String {
        nearest.map { "; did you mean '\($0)'?" } ?? ""
    }

    private func listed(_ known: [String]) -> String {
        known.isEmpty ? "; there are none" : "; there are " + known.map { "'\($0)'" }.joined(separator: ", ")
    }
}
