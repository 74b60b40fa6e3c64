import API
import Foundation
import Models
import Support
import Testing

struct StateSealTests {
    private let seal = StateSeal(key: Array("0123456789abcdef".utf8))
    private let state: [Float] = [0, -0.0, 1.5, .leastNonzeroMagnitude]

    private func message(_ text: String, for model: Model, by seal: StateSeal) -> String? {
        do throws(ServingError) {
            _ = try seal.open(text, for: model)
            return nil
        } catch {
            #expect(error.status == .badRequest)
            #expect(error.code == "invalid_state")
            return error.message
        }
    }

    @Test func `gives back the state, bit for bit`() throws {
        let model = try TestModels.gru()
        let opened = try seal.open(seal.seal(state, of: model), for: model)
        #expect(opened.map(\.bitPattern) == state.map(\.bitPattern))
        // Another process with the same key and the same weights.
        let other = StateSeal(key: Array("0123456789abcdef".utf8))
        #expect(try other.open(seal.seal(state, of: model), for: TestModels.gru()) == state)
    }

    @Test func `notices every changed byte and every cut`() throws {
        let model = try TestModels.gru()
        let bytes = try #require(Data(base64Encoded: seal.seal(state, of: model)))
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 0x40
            #expect(message(changed.base64EncodedString(), for: model, by: seal) != nil, "byte \(index)")
        }
        for count in 0..<bytes.count {
            let cut = Data(bytes.prefix(count)).base64EncodedString()
            #expect(message(cut, for: model, by: seal) != nil, "\(count) bytes")
        }
        #expect(message((bytes + bytes).base64EncodedString(), for: model, by: seal) != nil)
    }

    @Test func `says what is wrong`() throws {
        let model = try TestModels.gru()
        let text = seal.seal(state, of: model)
        let foreign = "state: it is incomplete, was changed, or was made by a server with another key"
        #expect(message(text, for: model, by: StateSeal()) == foreign)
        let others = try [TestModels.gru("other"), TestModels.gru(seed: 2)]
        for other in others {
            let expected = "state: it was made by another model or by other weights than '\(other.name)'"
            #expect(message(text, for: other, by: seal) == expected)
        }
        #expect(message("%", for: model, by: seal) == "state: expected base64")
        #expect(
            message("AAAA", for: model, by: seal)
                == "state: expected a state as an answer gave it, found other bytes"
        )
        var later = try #require(Data(base64Encoded: text))
        later[4] = 2
        #expect(
            message(later.base64EncodedString(), for: model, by: seal)
                == "state: expected format 1, found format 2"
        )
    }
}
