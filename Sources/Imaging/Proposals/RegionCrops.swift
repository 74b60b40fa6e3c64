/// Regions of an image as a network takes them, each made when it is asked for, in the caller's memory.
///
/// The image is held once, whatever the number of regions; a copy shares it. Pixels are those of Pillow's `crop` and
/// `resize`; where the input shows no image it has the mean, which is 0 after normalisation.
package struct RegionCrops: Sendable {
    package let transform: RegionTransform
    /// The size of every input.
    package let input: ImageSize
    private let image: Image
    private let interpolation: Interpolation
    private let normalizer: Normalizer

    /// Takes an image.
    ///
    /// - Parameters:
    ///   - transform: what becomes of the regions.
    ///   - image: upright, in gray for `ColorMode.gray`, else in RGB.
    ///   - input: the size that the network takes.
    ///   - preprocessing: its interpolation, colour and normalisation count.
    /// - Throws: `.channels` when the image was decoded for another colour, `.outOfRange` for a padding that leaves nothing
    ///   of the input.
    package init(
        _ transform: RegionTransform,
        of image: Image,
        as input: ImageSize,
        _ preprocessing: Preprocessing
    ) throws(PreprocessingError) {
        guard image.channels == preprocessing.color.channels else {
            throw .channels(expected: preprocessing.color, found: image.channels)
        }
        let most = (min(input.width, input.height) - 1) / 2
        guard 0...most ~= transform.padding else {
            throw .outOfRange(setting: "padding", range: 0...most, found: transform.padding)
        }
        (self.transform, self.image, self.input) = (transform, image, input)
        interpolation = preprocessing.interpolation
        normalizer = Normalizer(preprocessing, outside: .mean)
    }

    /// The number of values of a region's input: channels × height × width.
    package var count: Int { image.channels * input.height * input.width }

    /// Makes a region's input.
    ///
    /// - Shape: channels × height × width.
    /// - Parameters:
    ///   - region: within the image, of at least one pixel.
    ///   - values: exactly `count`; all are written, unless it throws.
    ///   - shouldContinue: asked for every few rows; false ends the work.
    /// - Throws: `.stopped` when told to, and nothing else; what was written then has no meaning.
    package func write(
        _ region: PixelBox,
        into values: inout MutableSpan<Float>,
        while shouldContinue: () -> Bool = { true }
    ) throws(PreprocessingError) {
        precondition(values.count == count, "room for \(values.count) values of a region of \(count)")
        let size = ImageSize(height: image.height, width: image.width)
        let view = transform.view(of: region, in: size, as: input)
        let pixels = image.resized(
            view.part,
            width: view.place.width,
            height: view.place.height,
            interpolation: interpolation,
            while: shouldContinue
        )
        guard let pixels else { throw .stopped }
        let source = Normalizer.Source(
            image: pixels,
            place: Region(view.place),
            region: Region(x: 0, y: 0, width: input.width, height: input.height),
            isMirrored: false
        )
        let isWhole = unsafe values.withUnsafeMutableBufferPointer { buffer in
            unsafe normalizer.write(source, into: buffer, while: shouldContinue)
        }
        guard isWhole else { throw .stopped }
    }
}
