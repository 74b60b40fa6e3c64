internal import Engine

/// Regions with CNN features: an image network makes features of each region that may be an object, and on these stand a
/// linear SVM and four linear regressions of its box for each class. Girshick, Donahue, Darrell, Malik, "Rich feature
/// hierarchies for accurate object detection and semantic segmentation", CVPR 2014, §2 and Appendix C.
///
/// Options: `extractor`, the image network, and `extractor_options`, its own; `feature`, the value of it by name that the
/// features are, what its last linear layer takes where it is left out. Tensors have the extractor's names behind `cnn.`;
/// `svm.weight` is classes × features, and `box.weight` 4·classes × features: for each class the offsets of the centre and
/// the logarithms of the scales, x before y. The outputs are `logits`, the SVMs' margins, and `offsets`.
extension Architecture {
    static let regionNetworks = [rcnn]

    private static let rcnn = Architecture(
        sequence: "rcnn",
        of: .regions,
        classes: 20,
        options: FeatureExtractor.options
    ) { classes, configuration throws(ArchitectureError) in
        let features = try FeatureExtractor(configuration, for: "rcnn").features
        return Network(
            inputShape: [features],
            layers: [.linear("svm", classes)],
            others: [("offsets", [.linear("box", 4 * classes)])]
        )
    }
}
