import Engine
import Support
import Tasks
import Testing

struct SamplerTests {
    private func rule(_ temperature: Double, topK: Int? = nil, topP: Double = 1) -> Sampler.Rule {
        var rule = Sampler.Rule()
        rule.temperature = temperature
        rule.topK = topK
        rule.topP = topP
        return rule
    }

    private func draws(_ rule: Sampler.Rule, _ logits: [Float], seed: UInt64 = 1, excluded: Int? = nil) throws
        -> [Int]
    {
        var sampler = Sampler(rule, seed: seed, excluded: excluded)
        return try (0..<2000).map { _ in try sampler.draw(logits[...]) }
    }

    @Test func `gives the published numbers of SplitMix64`() {
        var random = SplitMix64(seed: 1_234_567)
        let numbers: [UInt64] = (0..<5).map { _ in random.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ]
        )
        #expect((0..<1000).allSatisfy { _ in 0..<1 ~= random.nextFraction() })
    }

    @Test func `at temperature 0 takes the largest logit, of equals the first, whatever the seed`() throws {
        for seed: UInt64 in 1...3 {
            #expect(Set(try draws(rule(0), [1, 3, 2, 3], seed: seed)) == [1])
        }
        #expect(Set(try draws(rule(0), [1, 3, 2, 3], excluded: 1)) == [3])
    }

    @Test func `draws in proportion to the probabilities`() throws {
        let logits: [Float] = [0, 1, 2]
        for (temperature, expected) in [(1.0, [0.090, 0.245, 0.665]), (0.5, [0.016, 0.117, 0.867])] {
            let draws = try draws(rule(temperature), logits)
            for token in 0..<3 {
                let share = Double(draws.count { $0 == token }) / Double(draws.count)
                #expect(abs(share - expected[token]) < 0.03, "token \(token) at \(temperature): \(share)")
            }
        }
    }

    @Test func `draws only from the top k, and from the fewest with the probability p`() throws {
        let logits: [Float] = [0, 3, 1, 2, -5]
        #expect(Set(try draws(rule(10, topK: 1), logits)) == [1])
        #expect(Set(try draws(rule(10, topK: 3), logits)) == [1, 3, 2])
        #expect(Set(try draws(rule(10, topK: 99), logits)) == [0, 1, 2, 3, 4])
        // The probabilities are 0.032, 0.643, 0.087, 0.237, 0.000.
        #expect(Set(try draws(rule(1, topP: 0.6), logits)) == [1])
        #expect(Set(try draws(rule(1, topP: 0.7), logits)) == [1, 3])
        #expect(Set(try draws(rule(1, topK: 2, topP: 0.99), logits)) == [1, 3])
    }

    @Test func `never draws the excluded token`() throws {
        #expect(try !draws(rule(5), [9, 1, 1], excluded: 0).contains(0))
        #expect(try !draws(rule(5, topK: 2), [9, 1, 1], excluded: 0).contains(0))
    }

    @Test func `the seed decides`() throws {
        let logits: [Float] = [0, 1, 2, 1]
        #expect(try draws(rule(1), logits, seed: 7) == draws(rule(1), logits, seed: 7))
        #expect(try draws(rule(1), logits, seed: 7) != draws(rule(1), logits, seed: 8))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func `refuses logits that are not finite`(logit: Float) {
        var sampler = Sampler(rule(1), seed: 1)
        #expect(throws: ServingError.self) { try sampler.draw([0, logit]) }
    }

    @Test func `survives the smallest temperature`() throws {
        #expect(Set(try draws(rule(.leastNonzeroMagnitude), [1, 2, 0])) == [1])
    }
}
