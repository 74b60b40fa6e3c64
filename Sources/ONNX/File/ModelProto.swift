/// An ONNX model as its file has it: the parts of the format that say what a network computes.
///
/// - Source: onnx.proto, whose names and field numbers these are.
struct ModelProto {
    var graph: GraphProto?
    /// The version of each domain's operators; "" is `ai.onnx`.
    var opsets: [String: Int] = [:]
    /// By domain and name.
    var functions: [String: FunctionProto] = [:]
    var producer = ""

    /// - Throws: `ONNXError` where the bytes are no model.
    init(parsing bytes: [UInt8]) throws(ONNXError) {
        var reader = WireReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 2: producer = try bytes.text(value, "producer_name")
            case 7:
                guard graph == nil else { throw .malformed("the model has two graphs") }
                graph = try GraphProto(bytes, try value.range("graph"), depth: 0)
            case 8:
                let (domain, version) = try Self.opset(bytes, try value.range("opset_import"))
                opsets[domain] = version
            case 25:
                let function = try FunctionProto(bytes, try value.range("functions"))
                functions[FunctionProto.key(function.domain, function.name)] = function
            default: continue
            }
        }
    }

    static func opset(
        _ bytes: [UInt8],
        _ range: Range<Int>
    ) throws(ONNXError) -> (domain: String, version: Int) {
        var reader = WireReader(bytes, in: range)
        var (domain, version) = ("", 0)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: domain = try bytes.text(value, "domain")
            case 2: version = Int(clamping: try value.integer("version"))
            default: continue
            }
        }
        return (domain == "ai.onnx" ? "" : domain, version)
    }
}

/// Nodes, constants and what goes in and out.
struct GraphProto {
    /// How deeply graphs may lie in graphs.
    static let maxDepth = 32

    var name = ""
    var nodes: [NodeProto] = []
    var initializers: [TensorProto] = []
    var inputs: [ValueInfo] = []
    var outputs: [ValueInfo] = []
    var hasSparse = false

    init(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) throws(ONNXError) {
        guard depth < Self.maxDepth else { throw .malformed("graphs lie \(depth) deep in graphs") }
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: nodes.append(try NodeProto(bytes, try value.range("node"), depth: depth))
            case 2: name = try bytes.text(value, "name")
            case 5: initializers.append(try TensorProto(bytes, try value.range("initializer")))
            case 11: inputs.append(try ValueInfo(bytes, try value.range("input")))
            case 12: outputs.append(try ValueInfo(bytes, try value.range("output")))
            case 15: hasSparse = true
            default: continue
            }
        }
    }
}

/// One operation.
struct NodeProto {
    var name = ""
    var op = ""
    var domain = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: Attribute] = [:]

    init(_ bytes: [UInt8], _ range: Range<Int>, depth: Int) throws(ONNXError) {
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: inputs.append(try bytes.text(value, "input"))
            case 2: outputs.append(try bytes.text(value, "output"))
            case 3: name = try bytes.text(value, "name")
            case 4: op = try bytes.text(value, "op_type")
            case 5:
                let (name, attribute) = try Attribute.read(bytes, try value.range("attribute"), depth: depth)
                attributes[name] = attribute
            case 7: domain = try bytes.text(value, "domain")
            default: continue
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }

    /// What messages call it.
    var title: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? op : name }
}

/// A constant beside a node.
enum Attribute {
    case float(Float)
    case int(Int64)
    case string(String)
    case tensor(TensorProto)
    case graph(GraphProto)
    case floats([Float])
    case ints([Int64])
    case strings([String])
    /// The attribute of the function that is called.
    case reference(String)
    /// A kind that no supported operator has.
    case other

    static func read(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        depth: Int
    ) throws(ONNXError) -> (name: String, attribute: Attribute) {
        var reader = WireReader(bytes, in: range)
        var fields = Fields()
        while let (field, value) = try reader.next() {
            switch field {
            case 1: fields.name = try bytes.text(value, "name")
            case 2: fields.float = try value.float("f")
            case 3: fields.int = try value.integer("i")
            case 4: fields.string = try bytes.text(value, "s")
            case 5: fields.tensor = try TensorProto(bytes, try value.range("t"))
            case 6: fields.graph = try GraphProto(bytes, try value.range("g"), depth: depth + 1)
            case 7: try value.append(to: &fields.floats, of: bytes, "floats")
            case 8: try value.append(to: &fields.ints, of: bytes, "ints")
            case 9: fields.strings.append(try bytes.text(value, "strings"))
            case 20: fields.type = try value.integer("type")
            case 21: fields.reference = try bytes.text(value, "ref_attr_name")
            default: continue
            }
        }
        return (fields.name, fields.attribute)
    }

    private struct Fields {
        var name = ""
        var type: Int64 = 0
        var float: Float?
        var int: Int64?
        var string: String?
        var tensor: TensorProto?
        var graph: GraphProto?
        var floats: [Float] = []
        var ints: [Int64] = []
        var strings: [String] = []
        var reference: String?

        /// Old files say no type; numbers that are 0 may be left out.
        var attribute: Attribute {
            if let reference, !reference.isEmpty { return .reference(reference) }
            switch type {
            case 1: return .float(float ?? 0)
            case 2: return .int(int ?? 0)
            case 3: return .string(string ?? "")
            case 4: return tensor.map(Attribute.tensor) ?? .other
            case 5: return graph.map(Attribute.graph) ?? .other
            case 6: return .floats(floats)
            case 7: return .ints(ints)
            case 8: return .strings(strings)
            case 0: return untyped
            default: return .other
            }
        }

        private var untyped: Attribute {
            if let tensor { return .tensor(tensor) }
            if let graph { return .graph(graph) }
            if let float { return .float(float) }
            if let string { return .string(string) }
            if !floats.isEmpty { return .floats(floats) }
            if !ints.isEmpty { return .ints(ints) }
            if !strings.isEmpty { return .strings(strings) }
            return int.map(Attribute.int) ?? .other
        }
    }
}

/// A value's name, type and shape.
struct ValueInfo {
    /// One extent: a number, a name, or nothing that is known.
    enum Dimension: Equatable {
        case size(Int64)
        case named(String)
        case unknown

        /// Whether it is a number of its own.
        var isKnown: Bool { if case .size(let size) = self { size > 0 } else { false } }
    }

    var name = ""
    /// As `DataType`; 0 when it is no tensor.
    var type: Int64 = 0
    /// Nil where not even the rank is known.
    var dimensions: [Dimension]?

    init(_ bytes: [UInt8], _ range: Range<Int>) throws(ONNXError) {
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: name = try bytes.text(value, "name")
            case 2: try readType(bytes, try value.range("type"))
            default: continue
            }
        }
    }

    private mutating func readType(_ bytes: [UInt8], _ range: Range<Int>) throws(ONNXError) {
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            guard field == 1 else { continue }
            var tensor = WireReader(bytes, in: try value.range("tensor_type"))
            while let (field, value) = try tensor.next() {
                switch field {
                case 1: type = try value.integer("elem_type")
                case 2: try readShape(bytes, try value.range("shape"))
                default: continue
                }
            }
        }
    }

    private mutating func readShape(_ bytes: [UInt8], _ range: Range<Int>) throws(ONNXError) {
        var found: [Dimension] = []
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            guard field == 1 else { continue }
            var dimension = WireReader(bytes, in: try value.range("dim"))
            var known = Dimension.unknown
            while let (field, value) = try dimension.next() {
                switch field {
                case 1: known = .size(try value.integer("dim_value"))
                case 2:
                    let name = try bytes.text(value, "dim_param")
                    known = name.isEmpty ? .unknown : .named(name)
                default: continue
                }
            }
            found.append(known)
        }
        dimensions = found
    }
}

/// An operator that the file itself describes.
struct FunctionProto {
    var name = ""
    var domain = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var nodes: [NodeProto] = []
    var opsets: [String: Int] = [:]
    /// Those with values to fall back on.
    var defaults: [String: Attribute] = [:]

    init(_ bytes: [UInt8], _ range: Range<Int>) throws(ONNXError) {
        var reader = WireReader(bytes, in: range)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: name = try bytes.text(value, "name")
            case 4: inputs.append(try bytes.text(value, "input"))
            case 5: outputs.append(try bytes.text(value, "output"))
            case 7: nodes.append(try NodeProto(bytes, try value.range("node"), depth: 1))
            case 9:
                let (domain, version) = try ModelProto.opset(bytes, try value.range("opset_import"))
                opsets[domain] = version
            case 10: domain = try bytes.text(value, "domain")
            case 11:
                let range = try value.range("attribute_proto")
                let (name, attribute) = try Attribute.read(bytes, range, depth: 1)
                defaults[name] = attribute
            default: continue
            }
        }
        if domain == "ai.onnx" { domain = "" }
    }

    static func key(_ domain: String, _ name: String) -> String { "\(domain)\u{0}\(name)" }
}

extension [UInt8] {
    /// The text of a field; what is no UTF-8 in it is replaced.
    func text(_ value: WireReader.Value, _ what: String) throws(ONNXError) -> String {
        String(decoding: self[try value.range(what)], as: UTF8.self)
    }
}
