package import Imaging
package import Inference

/// What is asked of an image, and what came of it.
extension ImageClassifier {
    /// What a client asks for.
    package struct Options: Sendable {
        package var crops: CropMode
        /// Shorter sides to resize to; none leaves it to the mode and the model.
        package var scales: [Int]
        package var average: ClassScores.Average

        package init(
            crops: CropMode = .center,
            scales: [Int] = [],
            average: ClassScores.Average = .probabilities
        ) {
            self.crops = crops
            self.scales = scales
            self.average = average
        }
    }

    /// What came of an image.
    package struct Answer: Sendable {
        package let scores: ClassScores
        package let mode: CropMode
        package let run: ImageRun

        /// The logits of each crop.
        package var outputs: [[Float]] { run.outputs }
        package var crops: [PlacedCrop] {
            run.plan.placements.map { PlacedCrop(crop: $0.crop, scale: $0.scale) }
        }
    }

    /// Where a crop was cut: from the image whose shorter side was resized to `scale`.
    package struct PlacedCrop: Sendable, Equatable {
        package let crop: Crop
        package let scale: Int
    }
}

/// What a network gave for an image, and what that took.
package struct ImageRun: Sendable {
    /// What the network hands out of each crop.
    package let outputs: [[Float]]
    /// Where the crops lie in the upright image.
    package let plan: CropPlan
    package let format: ImageFormat
    /// The EXIF orientation that was applied, 1 … 8.
    package let orientation: Int
    package let decode: Duration
    package let preprocess: Duration
    package let inference: InferenceResult

    /// The size of the upright image.
    package var size: ImageSize { plan.imageSize }
}
