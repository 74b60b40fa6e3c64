internal import Imaging
package import Support

/// Thins out boxes that overlap: greedy, by score, class by class.
///
/// A box is kept unless one of its class that was kept before covers more than `overlap` of what both cover. The order is that
/// of `BoxCandidate.precedes`, so that equal scores give the same answer everywhere.
/// - Source: Girshick et al. 2014, §2.2; Neubeck & Van Gool 2006 for the name.
package enum NonMaximumSuppression {
    /// More boxes are not looked at: those with the lowest scores are left out.
    package static let mostCandidates = 30_000
    /// Boxes between two looks at the clock.
    private static let stretch = 256

    /// The boxes that are kept, the best first.
    ///
    /// - Parameters:
    ///   - candidates: in any order; boxes and scores are finite.
    ///   - overlap: the intersection over union beyond which a box is dropped; 1 keeps all.
    ///   - most: how many to keep.
    ///   - context: whose deadline and departure end it.
    /// - Returns: at most `most`.
    /// - Throws: why nobody waits.
    package static func kept(
        _ candidates: [BoxCandidate],
        overlap: Double,
        most: Int = .max,
        _ context: RequestContext = RequestContext()
    ) throws(ServingError) -> [BoxCandidate] {
        try context.check()
        let order = candidates.sorted { $0.precedes($1) }.prefix(mostCandidates)
        var kept: [BoxCandidate] = []
        var ofClass: [Int: [ImageBox]] = [:]
        for (index, candidate) in order.enumerated() {
            if index % stretch == 0 { try context.check() }
            guard kept.count < most else { break }
            let before = ofClass[candidate.classIndex] ?? []
            guard !before.contains(where: { $0.overlap(with: candidate.box) > overlap }) else { continue }
            ofClass[candidate.classIndex, default: []].append(candidate.box)
            kept.append(candidate)
        }
        return kept
    }
}
