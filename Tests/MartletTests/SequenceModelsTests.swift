import API
import Foundation
import Testing

extension EndToEndTests {
    /// The bundled models of sequences on inputs whose answers PyTorch has given.
    @Suite struct SequenceModelsTests {
        private func predict<Answered: Decodable>(_ model: String, _ body: String) throws -> Answered {
            try Daemon.serving { daemon in
                try Client(port: daemon.port).request(
                    "POST",
                    "/v1/models/\(model):predict",
                    body: Array(body.utf8),
                    type: "application/json"
                ).decoded()
            }
        }

        static let reviews = [
            (text: "A gorgeous, witty, seductive movie.", label: "positive", probability: 0.8877),
            (text: "It's a dull, lifeless and boring mess.", label: "negative", probability: 0.9217),
        ]

        @Test(arguments: reviews)
        func `tells praise from blame`(text: String, label: String, probability: Double) throws {
            let answer: Predictions = try predict("sentiment", "{\"instances\": [\"\(text)\"]}")
            #expect(answer.predictions.map(\.label) == [label])
            #expect(abs((answer.predictions.first?.probability ?? 0) - probability) < 2e-4)
        }

        private struct Tag: Decodable {
            let token: String
            let label: String
            let probability: Double
            let unknown: Bool?
        }

        private struct Tagged: Decodable {
            let predictions: [[Tag]]
        }

        @Test func `tags each word of a text, and of words that are split already`() throws {
            let text = "I don't think Google will buy the new house, will they?"
            let words =
                #"["I", "don't", "think", "Google", "will", "buy", "the", "new", "house", ",", "will", "they", "?"]"#
            let answer: Tagged = try predict("tagger", #"{"instances": ["\#(text)", \#(words)]}"#)
            let tags = try #require(answer.predictions.first)
            #expect(
                tags.map { "\($0.token) \($0.label)" } == [
                    "I PRON", "don't AUX", "think VERB", "Google PROPN", "will AUX", "buy VERB", "the DET",
                    "new ADJ", "house NOUN", ", PUNCT", "will AUX", "they PRON", "? PUNCT",
                ]
            )
            #expect(tags.allSatisfy { (0.3...1).contains($0.probability) })
            #expect(answer.predictions[1].map(\.probability) == tags.map(\.probability))
        }

        @Test func `a word that the tagger does not know is marked`() throws {
            let answer: Tagged = try predict("tagger", #"{"instances": [["Flibbering", "is", "fun"]]}"#)
            #expect(answer.predictions[0].map(\.unknown) == [true, nil, nil])
        }

        private struct Likelihoods: Decodable {
            struct Likelihood: Decodable {
                let log_likelihood: Double
                let tokens: Int
                let scores: [Double]?
                let unknown_tokens: Int?
            }

            let predictions: [Likelihood]
        }

        @Test func `says how likely a text is to Shakespeare`() throws {
            let text = "ROMEO: O, she doth teach the torches to burn bright!"
            let plain: Likelihoods = try predict("shakespeare", #"{"instances": ["\#(text)"]}"#)
            #expect(plain.predictions[0].tokens == text.count - 1)
            #expect(abs(plain.predictions[0].log_likelihood + 75.4115) < 1e-3)
            #expect(plain.predictions[0].scores == nil)
            let body = #"{"instances": ["to be é"], "parameters": {"scores": true}}"#
            let listed: Likelihoods = try predict("shakespeare", body)
            let scores = try #require(listed.predictions[0].scores)
            #expect(scores.count == 6)
            #expect(abs(scores.reduce(0, +) - listed.predictions[0].log_likelihood) < 1e-4)
            #expect(listed.predictions[0].unknown_tokens == 1)
        }

        private struct Translated: Decodable {
            struct Translation: Decodable, Equatable {
                let text: String
                let tokens: [String]
                let score: Double
                let stop: String
                let attention: [[Double]]?
                let source: [String]?
                let unknown_tokens: Int?
            }

            let predictions: [Translation]
        }

        static let sentences = [
            (german: "Ich habe meinen Schlüssel verloren.", english: "I lost my key.", score: -1.38398),
            (german: "Das Haus ist sehr alt.", english: "The house is very old.", score: -0.51221),
            (german: "Tom schläft.", english: "Tom is asleep.", score: -1.08606),
            (german: "Kannst du mir helfen?", english: "Can you help me?", score: -0.24385),
        ]

        @Test(arguments: sentences)
        func `translates what PyTorch translates`(german: String, english: String, score: Double) throws {
            let answer: Translated = try predict("deu-eng", #"{"instances": ["\#(german)"]}"#)
            let translation = try #require(answer.predictions.first)
            #expect(translation.text == english && translation.stop == "end")
            #expect(abs(translation.score - score) < 2e-4)
            #expect(translation.attention == nil && translation.source == nil)
        }

        @Test func `says what each word of a translation looked at, the same alone and beside others`() throws
        {
            let texts = Self.sentences.map { "\"\($0.german)\"" } + [#""Wo ist der Flibberbahnhof?""#]
            func translations(_ texts: [String]) throws -> [Translated.Translation] {
                let parameters = #"{"beams": 4, "detail": "attention"}"#
                let body = #"{"instances": [\#(texts.joined(separator: ","))], "parameters": \#(parameters)}"#
                let answer: Translated = try predict("deu-eng", body)
                return answer.predictions
            }
            let together = try translations(texts)
            #expect(together.map(\.unknown_tokens) == texts.indices.map { $0 == texts.count - 1 ? 1 : nil })
            for (text, translation) in zip(texts, together) {
                let source = try #require(translation.source)
                #expect(text.filter(\.isLetter) == source.joined().filter(\.isLetter))
                let rows = try #require(translation.attention)
                #expect(rows.count == translation.tokens.count)
                #expect(rows.allSatisfy { $0.count == source.count && abs($0.reduce(0, +) - 1) < 1e-4 })
                #expect(try translations([text]) == [translation])
            }
        }

        private struct Forecasts: Decodable {
            struct Forecast: Decodable {
                let value: [Double]
                let forecast: [[Double]]?
            }

            let predictions: [Forecast]
        }

        @Test func `forecasts temperatures for the days that were asked for`() throws {
            let days = "[[12.0], [13.1], [11.2], [10.4], [9.9], [11.5]]"
            let expected = [11.35428, 11.14082, 11.04335, 11.04926, 11.06400]
            let one: Forecasts = try predict("temperature", #"{"instances": [\#(days)]}"#)
            #expect(abs(one.predictions[0].value[0] - expected[0]) < 1e-4)
            #expect(one.predictions[0].forecast == nil)
            let body = #"{"instances": [\#(days)], "parameters": {"horizon": 5}}"#
            let five: Forecasts = try predict("temperature", body)
            let forecast = try #require(five.predictions[0].forecast).flatMap(\.self)
            #expect(forecast.count == 5)
            #expect(zip(forecast, expected).allSatisfy { abs($0 - $1) < 1e-4 }, "\(forecast)")
            #expect(five.predictions[0].value == [forecast[0]])
        }
    }
}
