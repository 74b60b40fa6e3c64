internal import HTTP
internal import Platform
internal import Support

/// Bodies that are packed on the wire: endpoints see none of it.
extension Service {
    /// The call with its body as it was before the client packed it, on the lane, where it may take its time.
    ///
    /// - Throws: `ServingError` 400 for what cannot be unpacked, 413 for what becomes too large, 503 where there is no room.
    func unpacked(_ call: Call, _ endpoint: Endpoint) throws -> Call {
        let limits = UnpackingLimits(
            maxBytes: limits.maxBodyBytes(of: endpoint),
            maxRatio: limits.maxUnpackingRatio
        )
        let context = context(of: call)
        var call = call
        do {
            call.request = try call.request.unpacked(limits, from: budget) { try context.check() }
        } catch let failure as UnpackingFailure {
            throw Self.refusal(failure, budget.limit)
        }
        return call
    }

    /// The answer, packed where the client takes it so, it is worth it, and it is no longer than the thread has time for.
    func packed(_ response: Response, for request: Request, upTo limit: Int = .max) -> Response {
        let isWorthIt = limits.minPackedBytes.map { $0...max($0, limit) ~= response.body.count } ?? false
        guard isWorthIt || request.refusesIdentity else { return response }
        var response = response
        response.pack(for: request)
        return response
    }

    private static func refusal(_ failure: UnpackingFailure, _ budget: Int) -> ServingError {
        switch failure {
        case .tooLarge(let limit):
            let message = "the body is larger than the limit of \(limit) bytes once it is unpacked"
            return .tooLarge(code: "body_too_large", message)
        case .ratio(let limit):
            let message = "the body becomes more than \(limit) times as large as it came once it is unpacked"
            return .tooLarge(code: "compression_ratio", "\(message); see the setting max_compression_ratio")
        case .corrupt(let coding):
            let message = "Content-Encoding says \(coding), and the body is not \(coding) or is damaged"
            return .badRequest(message, code: "invalid_encoding")
        case .truncated(let coding):
            return .badRequest("the body ends in the middle of its \(coding)", code: "invalid_encoding")
        case .memoryFull(let wanted): return .memoryFull(wanted: wanted, limit: budget)
        }
    }
}
