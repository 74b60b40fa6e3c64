internal import Engine

/// VGG. Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015, Table 1:
/// configurations A, B, D and E, with batch norm behind each convolution in `_bn`.
///
/// Tensor names are torchvision's, or timm's, whose first two fully connected layers are convolutions, when the weights
/// have those: at other image sizes timm's slide over the image, torchvision's pool it to 7 × 7 before.
extension Architecture {
    static let vggs = [false, true].flatMap { hasNorm in
        // swift-format-ignore
        [
            vgg("vgg11", depths: [1, 1, 2, 2, 2], hasNorm),   // A
            vgg("vgg13", depths: [2, 2, 2, 2, 2], hasNorm),   // B
            vgg("vgg16", depths: [2, 2, 3, 3, 3], hasNorm),   // D
            vgg("vgg19", depths: [2, 2, 4, 4, 4], hasNorm),   // E
        ]
    }

    private static func vgg(_ name: String, depths: [Int], _ hasNorm: Bool) -> Architecture {
        Architecture(hasNorm ? name + "_bn" : name, size: 224) { classes, model in
            let isTimm = model.hasTensors(under: "pre_logits.") || model.hasTensors(under: "head.")
            return [.block("features", vggFeatures(depths, hasNorm))] // 512 × 7 × 7
                + (isTimm ? timmClassifier(classes) : torchvisionClassifier(classes)) + [.softmax]
        }
    }

    /// Stages of 3×3 convolutions, numbered as in a sequence that counts the layers without parameters.
    private static func vggFeatures(_ depths: [Int], _ hasNorm: Bool) -> [Layer] {
        var layers: [Layer] = []
        for (depth, width) in zip(depths, [64, 128, 256, 512, 512]) {
            for _ in 0..<depth {
                layers.append(.conv("\(layers.count)", width, kernel: 3, pad: 1))
                if hasNorm { layers.append(.batchNorm("\(layers.count)")) }
                layers.append(.relu)
            }
            layers.append(.maxPool(2, stride: 2))
        }
        return layers
    }

    private static func torchvisionClassifier(_ classes: Int) -> [Layer] {
        // swift-format-ignore
        [
            .adaptiveAveragePool(7), .flatten,
            .block("classifier", [
                .linear("0", 4096), .relu, .dropout,
                .linear("3", 4096), .relu, .dropout,
                .linear("6", classes),
            ]),
        ]
    }

    private static func timmClassifier(_ classes: Int) -> [Layer] {
        // swift-format-ignore
        [
            .block("pre_logits", [
                .conv("fc1", 4096, kernel: 7), .relu, .dropout,
                .conv("fc2", 4096, kernel: 1), .relu,
            ]),
            .globalAveragePool, .flatten, .dropout, .linear("head.fc", classes),
        ]
    }
}
