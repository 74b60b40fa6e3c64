import Foundation
import Support
import Tasks
import Testing

/// The search with numbers that are worked out by hand; the tokens are a, b and the end.
struct BeamSearchTests {
    private static let (a, b, end) = (0, 1, 2)

    private func rule(_ width: Int, maxTokens: Int = 9, penalty: Double = 0, count: Int = 1)
        -> BeamSearch.Rule
    {
        var rule = BeamSearch.Rule(maxTokens: maxTokens)
        rule.width = width
        rule.lengthPenalty = penalty
        rule.count = count
        return rule
    }

    /// Logits of which the probabilities are these; a constant does not matter.
    private func row(_ probabilities: Double...) -> ArraySlice<Float> {
        probabilities.map { Float(log($0) + 3) }[...]
    }

    private func probability(_ hypothesis: BeamSearch.Hypothesis) -> Double { exp(hypothesis.score) }

    /// a is likelier than b, but nothing likely comes behind it: P(b end) = 0.4 · 0.9 beats P(a …) ≤ 0.6 · 0.4.
    private func next(after tokens: [Int]) -> ArraySlice<Float> {
        switch tokens.last {
        case nil: row(0.599, 0.4, 0.001)
        case Self.a: row(0.35, 0.25, 0.4)
        default: row(0.05, 0.05, 0.9)
        }
    }

    private func best(_ rule: BeamSearch.Rule) throws -> BeamSearch.Hypothesis {
        var search = BeamSearch(rule, end: Self.end)
        while !search.isDone { _ = try search.advance(search.live.map { next(after: $0.tokens) }) }
        return search.best[0]
    }

    @Test func `one hypothesis wide it is greedy, and two find what is likelier`() throws {
        let greedy = try best(rule(1))
        #expect(greedy.tokens == [Self.a] && greedy.isEnded)
        #expect(abs(probability(greedy) - 0.599 * 0.4) < 1e-6)
        let wide = try best(rule(2))
        #expect(wide.tokens == [Self.b] && wide.isEnded)
        #expect(abs(probability(wide) - 0.36) < 1e-6)
    }

    @Test func `says from which hypothesis each goes on`() throws {
        var search = BeamSearch(rule(3), end: Self.end)
        #expect(try search.advance([row(0.5, 0.4, 0.1)]) == [0, 0])
        #expect(search.live.map(\.tokens) == [[Self.a], [Self.b]])
        #expect(search.live.map(\.places) == [[0], [0]])
        // The end took a place: b b 0.36, a b 0.275 before a a 0.2.
        #expect(try search.advance([row(0.4, 0.55, 0.05), row(0.05, 0.9, 0.05)]) == [1, 0])
        #expect(search.live.map(\.tokens) == [[Self.b, Self.b], [Self.a, Self.b]])
        #expect(search.live.map(\.places) == [[0, 1], [0, 0]])
        #expect(zip(search.live.map(probability), [0.36, 0.275]).allSatisfy { abs($0 - $1) < 1e-6 })
    }

    @Test func `stops when nothing left can come out on top, later when more are asked for`() throws {
        func run(count: Int) throws -> (steps: Int, best: [[Int]]) {
            var search = BeamSearch(rule(2, maxTokens: 4, count: count), end: Self.end)
            var steps = 0
            while !search.isDone {
                // b end is at 0.36 when a a, which goes on, is at 0.3.
                let rows = search.live.map {
                    $0.tokens.last == Self.a ? row(0.5, 0.3, 0.2) : next(after: $0.tokens)
                }
                _ = try search.advance(rows)
                steps += 1
            }
            return (steps, search.best.map(\.tokens))
        }
        let one = try run(count: 1)
        #expect(one.steps == 2 && one.best == [[Self.b]])
        let two = try run(count: 2)
        #expect(two.steps == 4 && two.best == [[Self.b], [Self.a, Self.a, Self.a, Self.a]])
    }

    @Test func `ends at the most tokens, and tells it from an end`() throws {
        var search = BeamSearch(rule(1, maxTokens: 2), end: Self.end)
        while !search.isDone { _ = try search.advance([row(0.8, 0.1, 0.1)]) }
        #expect(search.best.map(\.tokens) == [[Self.a, Self.a]])
        #expect(search.best.map(\.isEnded) == [false])
        #expect(abs(probability(search.best[0]) - 0.64) < 1e-6)
    }

    @Test func `the penalty of Wu et al. favours the longer`() throws {
        func best(_ penalty: Double) throws -> [Int] {
            var search = BeamSearch(rule(2, maxTokens: 3, penalty: penalty), end: Self.end)
            _ = try search.advance([row(0.45, 0.1, 0.45)])
            while !search.isDone { _ = try search.advance([row(0.9, 0.05, 0.05)]) }
            return search.best[0].tokens
        }
        // ln 0.45 = −0.799 with one token counted, against ln 0.45·0.9² = −1.009 with three.
        #expect(try best(0) == [])
        // −0.799 / 1 against −1.009 / (8/6) = −0.757.
        #expect(try best(1) == [Self.a, Self.a, Self.a])
    }

    @Test func `of equals the earlier hypothesis and the lower token come first`() throws {
        var search = BeamSearch(rule(2), end: Self.end)
        let third = 1.0 / 3
        _ = try search.advance([row(third, third, third)])
        #expect(search.live.map(\.tokens) == [[Self.a], [Self.b]])
        let even = row(0.4, 0.4, 0.2)
        #expect(try search.advance([even, even]) == [0, 0])
        #expect(search.live.map(\.tokens) == [[Self.a, Self.a], [Self.a, Self.b]])
    }

    @Test func `an output that is no number is the server's mistake`() throws {
        for bad in [Float.nan, .infinity] {
            var search = BeamSearch(rule(2), end: Self.end)
            let error = #expect(throws: ServingError.self) { _ = try search.advance([[0, bad, 1]]) }
            #expect(error?.code == "not_finite")
        }
    }

    @Test func `a beam wider than there are tokens keeps all of them`() throws {
        var search = BeamSearch(rule(16), end: Self.end)
        #expect(try search.advance([row(0.5, 0.3, 0.2)]) == [0, 0])
        #expect(try search.advance([row(0.5, 0.3, 0.2), row(0.5, 0.3, 0.2)]).count == 4)
    }
}
