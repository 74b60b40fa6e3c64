internal import Platform
internal import Support

/// The parameters of `:predict` with which a sequence goes on from an earlier request.
package struct SequenceParameters: Sendable, Equatable {
    static let keys = [
        "sequence_id", "sequence_start", "sequence_end", "sequence_step", "state",
        "return_state",
    ]
    private static let maxIDLength = 128

    /// The name under which the server keeps the state.
    let id: String?
    /// Whether the sequence begins here, from zeros or from `state`.
    let starts: Bool
    /// Whether its state is forgotten after this request.
    let ends: Bool
    /// The number of this step: sent again after a lost answer, it does not take the sequence further.
    let step: Int?
    /// A state that an earlier answer gave, from which the sequence goes on.
    let state: String?
    /// Whether the answer has the state in which it ends.
    let returnsState: Bool

    /// Reads the parameters; nil when there is none of them.
    ///
    /// - Throws: `ServingError` 400 for a wrong type, a bad name, and parameters that contradict each other.
    init?(_ parameters: JSONObject) throws(ServingError) {
        guard parameters.members.contains(where: { Self.keys.contains($0.key) }) else { return nil }
        do throws(FormatError) {
            let fields = JSONFields(path: "parameters", object: parameters)
            id = try fields.optional("sequence_id").map(Self.id)
            starts = try fields.optional("sequence_start")?.bool() ?? false
            ends = try fields.optional("sequence_end")?.bool() ?? false
            step = try fields.optional("sequence_step")?.integer(in: 0...(1 << 53) - 1)
            state = try fields.optional("state")?.string()
            returnsState = try fields.optional("return_state")?.bool() ?? false
            if id == nil,
                let extra = fields.optional("sequence_start") ?? fields.optional("sequence_end")
                    ?? fields.optional("sequence_step")
            {
                throw extra.fault("it needs a 'sequence_id'")
            }
            if id != nil, !starts, let state = fields.optional("state") {
                throw state.fault("a kept sequence takes it only with \"sequence_start\": true")
            }
        } catch {
            throw .badRequest(error.description, code: "invalid_parameter")
        }
    }

    /// A name: a string, or a whole number, which is the same as its digits.
    private static func id(_ reader: JSONReader) throws(FormatError) -> String {
        if case .number = reader.value {
            return String(try reader.integer(in: -(1 << 53) + 1...(1 << 53) - 1))
        }
        let id = try reader.string()
        let isPlain = id.unicodeScalars.allSatisfy { scalar in
            scalar != "/" && scalar != ":" && scalar.properties.generalCategory != .control
        }
        guard 1...maxIDLength ~= id.unicodeScalars.count, isPlain else {
            let expected = "1 to \(maxIDLength) characters without '/', ':' and control characters"
            throw reader.fault("expected \(expected), or a whole number")
        }
        return id
    }
}
