internal import Platform

/// A checkpoint of PyTorch (`.pth`, `.pt`, `.bin`), read without PyTorch: the tensors of the state dict in it.
///
/// Both forms are read: the zip file of today, and the stream of pickles from before PyTorch 1.6. The file is taken as
/// hostile: nothing of it is executed (`PickleReader`), and a tensor is a view of bytes that are there.
/// - Source: PyTorch, torch/serialization.py, `_load` and `_legacy_load`.
package struct PyTorchFile: WeightsSource {
    private let file: ReadableFile
    private let tensors: [String: StoredTensor]
    private let isBigEndian: Bool

    /// A tensor and the bytes of its storage.
    struct StoredTensor {
        let view: TensorView
        /// Where the storage's numbers lie in the file.
        let bytes: Range<Int>
    }

    /// Opens a file and reads the description of its tensors.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - key: which of several networks in it is meant, such as `model_ema`; nil where there is one.
    /// - Throws: `TensorFileError` when it cannot be read, contradicts itself, or holds what is no tensor.
    package init(path: String, checkpoint key: String? = nil) throws(TensorFileError) {
        do {
            file = try ReadableFile(path: path)
        } catch {
            throw TensorFileError(path: path, problem: .unreadable(error))
        }
        do throws(TensorFileError.Problem) {
            guard file.kind == .regular else { throw .notAFile(file.kind) }
            let contents = try PyTorchContents(file)
            isBigEndian = contents.isBigEndian
            let state = StateDictionary(contents.root, in: contents.heap)
            tensors = try contents.located(state.tensors(named: key))
            try checkBudget()
        } catch {
            throw TensorFileError(path: path, problem: error)
        }
    }

    /// Whether a file begins as one of PyTorch does.
    static func isOne(beginning bytes: [UInt8]) -> Bool {
        bytes.starts(with: ZipArchive.signature) || bytes.count > 1 && bytes[0] == 0x80 && 2...5 ~= bytes[1]
    }

    package var path: String { file.path }

    package var shapes: [String: Shape] { tensors.mapValues(\.view.shape) }

    /// How many times as large as the file its tensors may be: several may be views of one storage.
    private static let mostViews = 16

    private func checkBudget() throws(TensorFileError.Problem) {
        let most = file.count.multipliedReportingOverflow(by: Self.mostViews)
        var left = most.overflow ? Int.max : most.partialValue
        for (name, tensor) in tensors {
            guard let count = Self.elementCount(tensor.view.shape), count <= left / 4 else {
                throw .tensor(
                    name,
                    "and the others are \(Self.mostViews) times as large as the file, and more"
                )
            }
            left -= 4 * count
        }
    }

    /// The numbers of a shape, or nil when they are more than can be counted.
    static func elementCount(_ shape: Shape) -> Int? {
        var count = 1
        for dimension in shape.dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            count = product
        }
        return count
    }

    /// The tensor with a name, as 32-bit floats: those of 16 bits exactly, those of 64 bits and integers rounded.
    ///
    /// - Throws: `TensorFileError` when there is none, its numbers are no floats, or the file has been cut short.
    package func tensor(_ name: String) throws(TensorFileError) -> Tensor {
        guard let tensor = tensors[name] else { throw fault(name, "is not in the file") }
        let view = tensor.view
        switch view.type {
        case .bool, .c64, .f8e4m3, .f8e5m2:
            throw fault(name, "is of type \(view.type.rawValue), which no network here computes with")
        default: break
        }
        let size = view.type.size
        guard view.shape.elementCount > 0 else { return Tensor(shape: view.shape, values: []) }
        // From the first number of the view to its last; what lies between belongs to it or to its neighbours.
        let start = tensor.bytes.lowerBound + view.offset * size
        var bytes: [UInt8]
        do throws(TensorFileError.Problem) {
            bytes = try file.exactBytes(view.span * size, at: start)
        } catch .changed {
            throw fault(name, "has lost its end: the file was cut short while it was read")
        } catch {
            throw TensorFileError(path: path, problem: error)
        }
        if isBigEndian, size > 1 { bytes.reverseNumbers(of: size) }
        if !view.isContiguous { bytes = view.gathered(bytes) }
        return try Tensor(shape: view.shape, bytes.span, of: view.type) { error in
            TensorFileError(path: path, problem: .unreadable(error))
        }
    }

    package func checkUnchanged() throws(TensorFileError) {
        try file.checkUnchanged()
    }

    private func fault(_ name: String, _ text: String) -> TensorFileError {
        TensorFileError(path: path, problem: .tensor(name, text))
    }
}

extension TensorView {
    /// How many numbers lie from its first to its last, both among them; the shape has no dimension of 0.
    fileprivate var span: Int {
        zip(shape.dimensions, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
    }

    /// The same, or nil when it is more than can be counted.
    var checkedSpan: Int? {
        var span = 1
        for (dimension, stride) in zip(shape.dimensions, strides) {
            guard dimension > 0 else { return 0 }
            let (step, overflow) = (dimension - 1).multipliedReportingOverflow(by: stride)
            let (sum, overflows) = span.addingReportingOverflow(step)
            guard !overflow, !overflows else { return nil }
            span = sum
        }
        return span
    }

    /// Whether its numbers lie in the order of its elements.
    fileprivate var isContiguous: Bool {
        var expected = 1
        for (dimension, stride) in zip(shape.dimensions, strides).reversed() where dimension != 1 {
            guard stride == expected else { return false }
            expected *= dimension
        }
        return true
    }

    /// The numbers in the order of its elements.
    ///
    /// - Parameter bytes: those of its span.
    /// - Returns: as many bytes as it has elements, times their size.
    fileprivate func gathered(_ bytes: [UInt8]) -> [UInt8] {
        let size = type.size
        var result: [UInt8] = []
        result.reserveCapacity(shape.elementCount * size)
        var (index, place) = ([Int](repeating: 0, count: strides.count), 0)
        for _ in 0..<shape.elementCount {
            result += bytes[(place * size)..<((place + 1) * size)]
            // The last dimension counts fastest.
            for axis in strides.indices.reversed() {
                index[axis] += 1
                place += strides[axis]
                guard index[axis] == shape[axis] else { break }
                place -= index[axis] * strides[axis]
                index[axis] = 0
            }
        }
        return result
    }
}

extension [UInt8] {
    /// Turns numbers of so many bytes round.
    fileprivate mutating func reverseNumbers(of size: Int) {
        for start in stride(from: 0, to: count - size + 1, by: size) {
            self[start..<(start + size)].reverse()
        }
    }
}
