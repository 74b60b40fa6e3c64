internal import Engine

/// An array whose numbers are known before anything runs.
struct Constant: Sendable {
    enum Storage: Sendable {
        case floats(Tensor)
        /// Also truth values.
        case integers([Int64])
    }

    let dimensions: [Int]
    let type: DataType
    let storage: Storage

    private init(_ dimensions: [Int], _ type: DataType, _ storage: Storage) {
        self.dimensions = dimensions
        self.type = type
        self.storage = storage
    }

    /// - Precondition: there are as many numbers as the dimensions say.
    init(_ dimensions: [Int], _ type: DataType, _ tensor: Tensor) {
        self.init(dimensions, type, .floats(tensor.reshaped(to: Shape(dimensions))))
    }

    /// - Precondition: there are as many numbers as the dimensions say.
    init(_ dimensions: [Int], _ type: DataType, floats: [Float]) {
        self.init(dimensions, type, .floats(Tensor(shape: Shape(dimensions), values: floats)))
    }

    /// - Precondition: there are as many numbers as the dimensions say.
    init(_ dimensions: [Int], _ type: DataType, integers: [Int64]) {
        precondition(integers.count == dimensions.reduce(1, *), "\(integers.count) numbers for \(dimensions)")
        self.init(dimensions, type, .integers(integers))
    }

    /// A row of 64-bit integers.
    init(_ integers: [Int]) {
        self.init([integers.count], .int64, integers: integers.map(Int64.init))
    }

    /// A single number.
    init(_ number: Float, _ type: DataType) {
        if type.isInteger {
            self.init([], type, integers: [Int64(number)])
        } else {
            self.init([], type, floats: [number])
        }
    }

    var count: Int { dimensions.reduce(1, *) }

    /// The same numbers under other dimensions of the same count.
    func reshaped(to dimensions: [Int]) -> Constant {
        switch storage {
        case .floats(let tensor): Constant(dimensions, type, tensor)
        case .integers(let integers): Constant(dimensions, type, integers: integers)
        }
    }

    /// The same numbers said to be of another type of the same kind.
    func named(_ type: DataType) -> Constant {
        precondition(type.isInteger == self.type.isInteger, "\(self.type) as \(type)")
        return Constant(dimensions, type, storage)
    }

    /// As 64-bit integers, floats cut off towards zero and kept within what there is.
    var integers: [Int64] {
        switch storage {
        case .integers(let integers): integers
        case .floats(let tensor):
            tensor.values.map { value in
                guard value == value else { return 0 }
                return value >= 0x1p63 ? .max : value <= -0x1p63 ? .min : Int64(value)
            }
        }
    }

    var floats: [Float] {
        switch storage {
        case .floats(let tensor): tensor.values
        case .integers(let integers): integers.map { Float($0) }
        }
    }

    /// The numbers as a network reads them.
    ///
    /// - Throws: where whole numbers are too large for floats to hold.
    func tensor() throws(NodeFault) -> Tensor {
        switch storage {
        case .floats(let tensor): return tensor
        case .integers(let integers):
            guard integers.allSatisfy({ $0.magnitude <= 1 << 24 }) else {
                throw .unsupported("whole numbers beyond 2^24 where the network computes with floats")
            }
            return Tensor(shape: Shape(dimensions), values: integers.map { Float($0) })
        }
    }
}

/// What an input of a node is.
enum Known {
    case constant(Constant)
    case value(RunValue)

    var dimensions: [Int] {
        switch self {
        case .constant(let constant): constant.dimensions
        case .value(let value): value.dimensions
        }
    }

    var type: DataType {
        switch self {
        case .constant(let constant): constant.type
        case .value(let value): value.type
        }
    }

    var count: Int { dimensions.reduce(1, *) }

    var constant: Constant? { if case .constant(let constant) = self { constant } else { nil } }
}

/// A value of the graph that is made, as ONNX sees it.
///
/// The graph may have it under other extents of the same count: without the batch of one in front, or flattened.
struct RunValue {
    let value: Graph.Value
    let dimensions: [Int]
    let type: DataType
    /// An extent that depends on the data.
    var varying: Varying?
    /// Whether the graph has it as an image, channels first, whatever the dimensions say.
    var isChannelsLast = false
}

/// Why a node cannot become operations.
enum NodeFault: Error {
    /// Nothing here does what it says.
    case unsupported(String)
    /// It contradicts itself or its inputs.
    case invalid(String)

    var sentence: String {
        switch self {
        case .unsupported(let sentence), .invalid(let sentence): sentence
        }
    }
}
