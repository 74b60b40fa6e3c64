internal import HTTPTypes
package import Platform
internal import Synchronization

/// What all connections of a server share: limits, the wording of refusals, request names, counters.
package final class ConnectionRules: Sendable {
    let configuration: HTTPServerConfiguration
    let counters = ServerCounters()
    let budget: MemoryBudget
    let admit: AdmissionRule
    let log: AccessLog?
    private let renderError: ErrorRenderer
    private let nextID: Atomic<UInt64>

    /// - Parameters:
    ///   - configuration: the limits.
    ///   - budget: what bodies and answers are leased from.
    ///   - renderError: the wording.
    ///   - admit: decides about requests by their heads.
    ///   - log: takes the account of each request.
    ///   - firstID: where the names of requests begin; random, so that two runs differ.
    package init(
        configuration: HTTPServerConfiguration,
        budget: MemoryBudget,
        renderError: @escaping ErrorRenderer,
        admit: @escaping AdmissionRule = { _, _ in .accept() },
        log: AccessLog? = nil,
        firstID: UInt64 = .random(in: .min ... .max)
    ) {
        self.configuration = configuration
        self.budget = budget
        self.renderError = renderError
        self.admit = admit
        self.log = log
        nextID = Atomic(firstID)
    }

    /// Counts a refusal and puts it into words.
    func response(to refusal: Refusal) -> Response {
        counters.countRefusal(refusal.code)
        var response = renderError(refusal.status, refusal.code, refusal.message)
        if refusal.status == .serviceUnavailable, !response.fields.contains(.retryAfter) {
            response.fields[.retryAfter] = "1"
        }
        if refusal.status == .unsupportedMediaType {
            response.fields[.acceptEncoding] = ContentCoding.accepted
        }
        return response
    }

    /// A name for a request that has none.
    func freshID() -> String {
        // The odd step and the mixing of splitmix64 visit every 64-bit value once, in no visible order.
        var x = nextID.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
        x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
        return RequestID.fresh(x ^ x >> 31)
    }
}

/// The time, as one turn of the event loop sees it.
package struct Moment: Sendable {
    package let now: ContinuousClock.Instant
    /// The same for the `Date` field.
    package let date: String

    package init(now: ContinuousClock.Instant, date: String) {
        self.now = now
        self.date = date
    }
}
