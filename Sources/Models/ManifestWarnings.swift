internal import Imaging
internal import Support
internal import Zoo

/// What a manifest says that may be meant but hardly is; its model is served all the same.
extension Manifest {
    /// Sentences for the operator.
    package var warnings: [String] { [transformWarning].compactMap(\.self) }

    /// What torchvision's pretrained GoogLeNet and Inception-v3 want and do not get.
    ///
    /// They turn what ImageNet's statistics normalise into -1 ... 1 before their first layer (`transform_input`); without
    /// that they are wrong without a word.
    private var transformWarning: String? {
        var (name, own, place) = (architecture, options, "options")
        if case .string(let extractor)? = options["extractor"] {
            name = extractor
            if case .object(let options)? = options["extractor_options"] { own = options } else { own = [:] }
            place = "options.extractor_options"
        }
        guard own["transform_input"] == nil,
            (try? Architecture.named(name))?.transformsInput ?? false, // an unknown one is told of elsewhere
            input.preprocessing?.hasImageNetStatistics ?? false
        else { return nil }
        let found =
            "preprocessing has ImageNet's mean and std, and torchvision's pretrained '\(name)' turns what they give into "
            + "-1 ... 1 first"
        return "\(found); set transform_input in \(place): true for those weights, false for others"
    }
}

extension Preprocessing {
    /// Whether pixels are normalised with the mean and the standard deviation of ImageNet, in whatever scale and order.
    fileprivate var hasImageNetStatistics: Bool {
        guard color != .gray else { return false }
        let order = { (values: [Double]) in color == .bgr ? values.reversed() : values }
        let known = order([0.485, 0.456, 0.406]) + order([0.229, 0.224, 0.225])
        return zip(mean + std, known).allSatisfy { abs($0 / (scale * 255) - $1) < 0.002 }
    }
}
