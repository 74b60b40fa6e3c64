/// The known name that a mistyped one most likely meant, for "did you mean".
///
/// - Parameters:
///   - name: what was typed; case does not count.
///   - names: what is known; of two equally near the first wins.
/// - Returns: the nearest within 1 edit (up to 3 letters), 2 (up to 7) or 3, or nil.
/// - Source: the restricted Damerau-Levenshtein distance: insert, delete, replace, swap two neighbours.
package func nearestName(to name: String, in names: some Sequence<String>) -> String? {
    let typed = Array(name.lowercased().utf8)
    guard !typed.isEmpty, typed.count <= 512 else { return nil }
    var limit = typed.count <= 3 ? 1 : typed.count <= 7 ? 2 : 3
    var nearest: String?
    for candidate in names {
        let known = Array(candidate.lowercased().utf8)
        guard abs(known.count - typed.count) <= limit else { continue }
        let distance = editDistance(typed, known)
        if distance <= limit, nearest == nil || distance < limit {
            nearest = candidate
            limit = distance
        }
    }
    return nearest
}

private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var row = last
    for i in a.indices {
        row[0] = i + 1
        for j in b.indices {
            row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
            }
        }
        (beforeLast, last, row) = (last, row, beforeLast)
    }
    return last[b.count]
}
