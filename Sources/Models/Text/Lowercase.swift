/// Lower case by Unicode's rules without a language's exceptions, as Python's `str.lower()` has it.
///
/// Models of text were trained on what Python makes of it. The standard library's own differs in one letter: a capital sigma
/// that ends a word becomes `ς` here.
/// - Source: The Unicode Standard, §3.13, Table 3-17 (Final_Sigma); CPython's `handle_capital_sigma`.
extension String {
    private static let capitalSigma: Unicode.Scalar = "\u{3A3}"

    /// Whether the lower case of a letter here depends on its neighbours.
    var hasCapitalSigma: Bool {
        // Most texts have no byte such as the letter's last, and need not be decoded.
        utf8.contains(0xA3) && unicodeScalars.contains(Self.capitalSigma)
    }

    /// The text in lower case.
    func lowered() -> String {
        guard hasCapitalSigma else { return lowercased() }
        let scalars = Array(unicodeScalars)
        var lowered = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            if scalar == Self.capitalSigma {
                lowered.append(Self.endsWord(scalars, at: index) ? "\u{3C2}" : "\u{3C3}")
            } else {
                lowered.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return String(lowered)
    }

    /// Whether a cased letter stands before a place and none behind it, but for what case does not look at: marks,
    /// apostrophes, full stops.
    private static func endsWord(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
        let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
        guard before?.properties.isCased ?? false else { return false }
        let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        return !(after?.properties.isCased ?? false)
    }
}
