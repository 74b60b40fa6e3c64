internal import CKernels
package import Graphs
package import Tensors

/// Non-maximum suppression: for each image and class the best boxes that do not overlap a better one.
///
/// How many there are depends on the data. The first output has room for the most that there can be, rows of image, class
/// and box, zeros behind those that are found; the second says how many are.
///
/// - Shape: images × boxes × 4 and images × classes × boxes → rows × 3, and 1.
/// - Source: ONNX's `NonMaxSuppression`.
package struct Suppress: GeneralOp {
    /// Where the numbers are that an exporter may leave out, among the operands.
    package struct Roles: Sendable {
        package var overlap: Int?
        package var threshold: Int?

        package init() {}
    }

    package let operands: Operands
    private let images: Int
    private let classes: Int
    private let boxes: Int
    private let limit: Int
    private let isCentred: Bool
    private let roles: Roles

    /// - Parameters:
    ///   - operands: boxes, scores, and what `roles` says.
    ///   - images: how many.
    ///   - classes: how many scores a box has.
    ///   - boxes: how many an image has.
    ///   - limit: the most boxes of a class, at most as many as there are.
    ///   - isCentred: whether boxes are centres and sizes, not corners.
    ///   - roles: where the thresholds are.
    package init(
        _ operands: Operands,
        images: Int,
        classes: Int,
        boxes: Int,
        limit: Int,
        isCentred: Bool,
        roles: Roles
    ) {
        self.operands = operands
        self.images = images
        self.classes = classes
        self.boxes = boxes
        self.limit = limit
        self.isCentred = isCentred
        self.roles = roles
    }

    private var rows: Int { images * classes * limit }

    package var results: [Shape] { [[rows, 3], [1]] }

    package var structure: String { "non-maximum suppression of \(boxes) boxes, \(classes) classes" }

    /// Each box that is kept is held against all that are left.
    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int { rows * boxes }

    package var phases: Int { 2 }

    /// Between the phases the boxes of each class, and how many there are in front of them.
    package func scratch(inputs: [Shape], output: Shape) -> Scratch {
        Scratch(perItem: images * classes * (limit + 1), perThread: boxes)
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int {
        call.batch * (phase == 0 ? images * classes : 1)
    }

    package func run(_ task: OpTask, of call: OpCall) {
        if task.phase == 0 { select(task, call) } else { collect(task.index, call) }
    }

    private func select(_ task: OpTask, _ call: OpCall) {
        let (item, row) = task.index.quotientAndRemainder(dividingBy: images * classes)
        let rule = kernel_suppression(
            limit: limit,
            overlap: roles.overlap.map { unsafe operands.operand($0, item: item, of: call)[0] } ?? 0,
            threshold: roles.threshold.map { unsafe operands.operand($0, item: item, of: call)[0] } ?? 0,
            has_threshold: roles.threshold != nil,
            is_centred: isCentred
        )
        let kept = unsafe call.scratch + (item * images * classes + row) * (limit + 1)
        let found = unsafe kernel_suppress(
            operands.operand(0, item: item, of: call) + row / classes * boxes * 4,
            operands.operand(1, item: item, of: call) + row * boxes,
            boxes,
            rule,
            kept + 1,
            call.scratch(of: task.thread)
        )
        unsafe kept[0] = Float(found)
    }

    private func collect(_ item: Int, _ call: OpCall) {
        let target = unsafe call.output(0, item: item)
        var next = 0
        for row in 0..<images * classes {
            let kept = unsafe call.scratch + (item * images * classes + row) * (limit + 1)
            for place in 0..<Int(unsafe kept[0]) {
                unsafe target[3 * next] = Float(row / classes)
                unsafe target[3 * next + 1] = Float(row % classes)
                unsafe target[3 * next + 2] = kept[1 + place]
                next += 1
            }
        }
        unsafe (target + 3 * next).update(repeating: 0, count: 3 * (rows - next))
        unsafe call.output(1, item: item)[0] = Float(next)
    }
}

/// The places of the numbers that are not zero, in row-major order, and how many there are.
///
/// - Shape: any → axes × count, zeros behind the places that are found, and 1.
/// - Source: ONNX's `NonZero`.
package struct NonZeroPlaces: GeneralOp {
    package let operands: Operands
    private let extents: [Int]

    package init(_ operand: Operands.Source, extents: [Int]) {
        operands = Operands([operand])
        self.extents = extents
    }

    private var count: Int { extents.reduce(1, *) }

    package var results: [Shape] { [[extents.count, count], [1]] }

    package var structure: String { "places other than zero" }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch }

    package func run(_ task: OpTask, of call: OpCall) {
        let source = unsafe operands.operand(0, item: task.index, of: call)
        let target = unsafe call.output(0, item: task.index)
        unsafe target.update(repeating: 0, count: extents.count * count)
        var next = 0
        for place in 0..<count where unsafe source[place] != 0 {
            var rest = place
            for axis in extents.indices.reversed() {
                unsafe target[axis * count + next] = Float(rest % extents[axis])
                rest /= extents[axis]
            }
            next += 1
        }
        unsafe call.output(1, item: task.index)[0] = Float(next)
    }
}

/// Images at places that another operand says, from -1 to 1 along each axis.
///
/// - Shape: images × channels × … and images × … × axes → images × channels × ….
/// - Source: ONNX's `GridSample`; Jaderberg et al. 2015.
package struct GridSample: GeneralOp {
    package enum Kind: String, Sendable {
        case nearest, linear, cubic

        var kernel: kernel_sample_kind {
            switch self {
            case .nearest: kernel_sample_nearest
            case .linear: kernel_sample_linear
            case .cubic: kernel_sample_cubic
            }
        }
    }

    /// What is outside of an image.
    package enum Outside: String, Sendable {
        case zeros, border, reflection

        var kernel: kernel_outside {
            switch self {
            case .zeros: kernel_outside_zeros
            case .border: kernel_outside_border
            case .reflection: kernel_outside_reflection
            }
        }
    }

    package let operands: Operands
    private let kind: Kind
    private let outside: Outside
    private let alignsCorners: Bool
    /// Images, channels, and up to three extents.
    private let source: [Int]
    private let points: Int
    private let shape: Shape

    /// - Parameters:
    ///   - operands: the images and the places.
    ///   - kind: how what lies between numbers is found.
    ///   - outside: what is beyond the edges.
    ///   - alignsCorners: whether -1 and 1 are the middles of the first and the last number.
    ///   - source: the extents of the images, three to five.
    ///   - points: places in each image.
    ///   - shape: of the result.
    package init(
        _ operands: Operands,
        _ kind: Kind,
        outside: Outside,
        alignsCorners: Bool,
        source: [Int],
        points: Int,
        shape: Shape
    ) {
        self.operands = operands
        self.kind = kind
        self.outside = outside
        self.alignsCorners = alignsCorners
        self.source = source
        self.points = points
        self.shape = shape
    }

    package var results: [Shape] { [shape] }

    package var structure: String { "\(kind.rawValue) samples at \(points) places" }

    package func multiplyAdds(inputs: [Shape], output: Shape) -> Int {
        let taps = kind == .nearest ? 1 : kind == .linear ? 2 : 4
        return source[2...].reduce(output.elementCount) { count, _ in count * taps }
    }

    package func taskCount(phase: Int, of call: OpCall) -> Int { call.batch * source[0] * source[1] }

    package func run(_ task: OpTask, of call: OpCall) {
        let (item, plane) = task.index.quotientAndRemainder(dividingBy: source[0] * source[1])
        let axes = source.count - 2
        let extents = [Int](repeating: 1, count: 3 - axes) + source[2...]
        let sampling = kernel_sampling(
            extents: (extents[0], extents[1], extents[2]),
            axes: axes,
            kind: kind.kernel,
            outside: outside.kernel,
            aligns_corners: alignsCorners
        )
        unsafe kernel_sample_grid(
            operands.operand(0, item: item, of: call) + plane * extents.reduce(1, *),
            sampling,
            operands.operand(1, item: item, of: call) + plane / source[1] * points * axes,
            points,
            call.output(item: item) + plane * points
        )
    }
}
