internal import Support
internal import Zoo

/// The `model.json` of weights that come without a description: the preprocessing with which most networks for images are
/// trained, at the size that the network is published for.
enum GeneratedManifest {
    /// - Parameters:
    ///   - network: what the weights are for.
    ///   - weights: their file.
    ///   - source: where they come from.
    /// - Returns: the text of the file.
    /// - Throws: `PullError` for a network that does not take images, which cannot be described without its vocabulary.
    static func bytes(for network: Architecture, weights: String, source: String) throws(PullError) -> [UInt8]
    {
        guard case .image(let channels, let height, let width) = network.input else {
            throw .unusable(
                source,
                "'\(network.name)' takes sequences, and how they are written nobody can guess: write a model.json beside the weights"
            )
        }
        let isColor = channels == 3
        // The part of the image that is seen is 0.875 of its shorter side, as in torchvision's and timm's recipes.
        let resize = Int((Double(min(height, width)) / 0.875).rounded())
        let preprocessing: JSONObject = [
            "resize": .integer(resize),
            "crop": .array([.integer(height), .integer(width)]),
            "interpolation": .string("bilinear"),
            "color": .string(isColor ? "rgb" : "gray"),
            "scale": .number(1.0 / 255),
            "mean": .array((isColor ? [0.485, 0.456, 0.406] : [0.5]).map(JSONValue.number)),
            "std": .array((isColor ? [0.229, 0.224, 0.225] : [0.5]).map(JSONValue.number)),
        ]
        let manifest: JSONObject = [
            "architecture": .string(network.name),
            "task": .string("image-classification"),
            "weights": .string(weights),
            "preprocessing": .object(preprocessing),
            "provenance": .object(["source": .string(source)]),
        ]
        return JSONValue.object(manifest).encoded + [UInt8(ascii: "\n")]
    }
}
