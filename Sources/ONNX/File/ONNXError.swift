/// Why a file is no network that can be run.
package enum ONNXError: Error, Equatable, CustomStringConvertible {
    /// The bytes are no ONNX model, or one that contradicts itself; a sentence.
    case malformed(String)
    /// All nodes that cannot be run.
    case unsupported([Problem])
    /// Larger than what is allowed.
    case tooLarge(String)
    /// It cannot be read.
    case unreadable(String)

    /// A node and why it cannot be run.
    package struct Problem: Equatable, Sendable {
        package let node: String
        package let op: String
        package let reason: String

        package init(node: String, op: String, reason: String) {
            self.node = node
            self.op = op
            self.reason = reason
        }
    }

    /// How many nodes a message spells out.
    package static let maxListed = 20

    package var description: String {
        switch self {
        case .malformed(let sentence), .tooLarge(let sentence), .unreadable(let sentence): return sentence
        case .unsupported(let problems):
            let listed = problems.prefix(Self.maxListed).map { "\($0.op) '\($0.node)' (\($0.reason))" }
            let rest = problems.count - listed.count
            let more = rest > 0 ? ["and \(rest) more"] : []
            let count = problems.count == 1 ? "1 node" : "\(problems.count) nodes"
            return "\(count) cannot be run: " + (listed + more).joined(separator: "; ")
        }
    }
}
