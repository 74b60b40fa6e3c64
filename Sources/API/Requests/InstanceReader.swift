package import Models
package import Support
package import Tasks

/// Reads the instances of a request out of its JSON, each as the model takes it: numbers go straight into arrays.
///
/// What does not fit becomes a fault of that instance, and the rest of the text is still read, so that what is no JSON is
/// said first. To add a form: a case of `read`.
package struct InstanceReader {
    /// An instance, or what is wrong with it.
    package typealias Read = Result<Instance, ServingError>

    private enum Form {
        case images
        case clips(maxLength: Int)
        case sequences(SequenceEncoder.Form, maxLength: Int)
        case tensors(TensorReader)
    }

    private let form: Form

    package init(_ input: Model.Input) {
        form =
            switch input {
            case .image, .regions: .images
            case .frames(_, let maxLength): .clips(maxLength: maxLength)
            case .sequence(let encoder): .sequences(encoder.form, maxLength: encoder.maxLength)
            case .tensors(let ports): .tensors(TensorReader(ports: ports))
            }
    }

    /// What reads tensors, of a model that takes them.
    var tensors: TensorReader? { if case .tensors(let reader) = form { reader } else { nil } }

    /// Reads the text of one instance.
    ///
    /// - Throws: `ServingError` that says what the model takes and what was found.
    package static func instance(_ text: [UInt8], for model: Model) throws -> Instance {
        var reader = JSONPullReader(text)
        let read = try InstanceReader(model.input).read(&reader)
        try reader.end()
        return try read.get()
    }

    /// How many bytes the instances of a body may take in memory, for each byte of its text.
    var bytesPerByte: Int {
        switch form {
        case .images, .clips: 1
        case .sequences(.tokens, _), .sequences(.features, _): 2
        case .sequences(.text, _): 8
        case .tensors: 6
        }
    }

    /// What the model's one input is called where a protocol has names for inputs.
    package var inputName: String {
        switch form {
        case .images: "image_bytes"
        case .clips: "frames"
        case .sequences(.text, _): "text"
        case .sequences(.tokens, _): "tokens"
        case .sequences(.features, _): "features"
        case .tensors(let reader): reader.ports.inputs.map(\.name).joined(separator: ", ")
        }
    }

    /// Reads one instance, as it is or under the name of the model's input.
    ///
    /// - Throws: `JSONError`, and what the reader's check throws.
    package func read(_ reader: inout JSONPullReader) throws -> Read {
        switch form {
        case .images: return try image(&reader).map(Instance.image)
        case .clips(let maxLength): return try clip(&reader, maxLength)
        case .tensors(let tensors): return try tensors.row(&reader)
        case .sequences(let form, let maxLength):
            switch (form, try reader.kind()) {
            case (.text, .string): return .success(.text(try reader.string()))
            case (.text, .array): return try words(&reader, maxLength)
            case (.tokens(let size), .array): return try tokens(&reader, size: size, maxLength)
            case (.features(let size), .array): return try features(&reader, size: size, maxLength)
            case (_, .object): return try named(&reader)
            case (_, let kind):
                try reader.skip()
                return .failure(.invalidInput("expected \(form.expectation), found \(kind.name)"))
            }
        }
    }

    /// `{"text": "…"}`: an instance under its input's name, as TensorFlow Serving's clients send it.
    private func named(_ reader: inout JSONPullReader) throws -> Read {
        var read: Read?
        try reader.object { reader, name in
            guard name == inputName, try reader.kind() != .object else {
                read = .failure(
                    .invalidInput("unknown input '\(name.clipped(to: 200))'; expected '\(inputName)'")
                )
                return try reader.skip()
            }
            read = try self.read(&reader)
        }
        return read ?? .failure(.invalidInput("expected an input '\(inputName)', found an empty object"))
    }

    private func words(_ reader: inout JSONPullReader, _ maxLength: Int) throws -> Read {
        var words: [String] = []
        return try sequence(&reader, maxLength) { reader, position in
            let kind = try reader.kind()
            guard kind == .string else {
                try reader.skip()
                return .invalidInput("token \(position): expected a string, found \(kind.name)")
            }
            words.append(try reader.string())
            return nil
        } of: {
            .words(words)
        }
    }

    private func tokens(_ reader: inout JSONPullReader, size: Int, _ maxLength: Int) throws -> Read {
        var tokens: [Int32] = []
        return try sequence(&reader, maxLength) { reader, position in
            let expected = "token \(position): expected an integer from 0 to \(size - 1)"
            let kind = try reader.kind()
            guard kind == .number else {
                try reader.skip()
                return .badRequest("\(expected), found \(kind.name)", code: "unknown_token")
            }
            let number = try reader.number()
            guard let token = Int32(exactly: number), 0..<size ~= Int(token) else {
                let found = JSONValue.number(number).text
                return .badRequest("\(expected), found \(found)", code: "unknown_token")
            }
            tokens.append(token)
            return nil
        } of: {
            .tokens(tokens)
        }
    }

    private func features(_ reader: inout JSONPullReader, size: Int, _ maxLength: Int) throws -> Read {
        var values: [Float] = []
        return try sequence(&reader, maxLength) { reader, step in
            if reader.row(of: size, into: &values) { return nil }
            let kind = try reader.kind()
            guard kind == .array else {
                try reader.skip()
                return .invalidInput(
                    "step \(step): expected an array of \(size) numbers, found \(kind.name)"
                )
            }
            var (fault, count) = (ServingError?.none, 0)
            try reader.array { reader, index in
                count += 1
                guard fault == nil, index < size else { return try reader.skip() }
                fault = try Self.feature(&reader, into: &values, "step \(step), feature \(index)")
            }
            guard count == size else {
                return .invalidInput("step \(step): expected \(size) numbers, found \(count)")
            }
            return fault
        } of: {
            .features(values)
        }
    }

    private static func feature(
        _ reader: inout JSONPullReader,
        into values: inout [Float],
        _ place: @autoclosure () -> String
    ) throws -> ServingError? {
        let kind = try reader.kind()
        guard kind == .number else {
            try reader.skip()
            return .invalidInput("\(place()): expected a number, found \(kind.name)")
        }
        let number = try reader.number()
        guard Float(number).isFinite else {
            let found = JSONValue.number(number).text
            return .invalidInput("\(place()): \(found) is too large for a 32-bit float")
        }
        values.append(Float(number))
        return nil
    }

    private func clip(_ reader: inout JSONPullReader, _ maxLength: Int) throws -> Read {
        guard try reader.kind() == .array else {
            return try image(&reader).map { .clip([$0]) }.mapError { $0.at("frame 0") }
        }
        var frames: [ArraySlice<UInt8>] = []
        return try sequence(&reader, maxLength) { reader, position in
            switch try image(&reader) {
            case .success(let image):
                frames.append(image)
                return nil
            case .failure(let error): return error.at("frame \(position)")
            }
        } of: {
            .clip(frames)
        }
    }

    /// Reads the elements of a sequence, none beyond its limit or after the first fault; that it is empty or too long
    /// counts before the faults.
    private func sequence(
        _ reader: inout JSONPullReader,
        _ maxLength: Int,
        _ element: (inout JSONPullReader, Int) throws -> ServingError?,
        of instance: () -> Instance
    ) throws -> Read {
        var (fault, count) = (ServingError?.none, 0)
        try reader.array { reader, index in
            count += 1
            guard fault == nil, index < maxLength else { return try reader.skip() }
            fault = try element(&reader, index)
        }
        do {
            try SequenceEncoder.checkLength(count, atMost: maxLength)
        } catch {
            return .failure(error)
        }
        return fault.map { .failure($0) } ?? .success(instance())
    }

    /// An image in TensorFlow Serving's form: `{"b64": "…"}`, or the same under `image_bytes`.
    private func image(_ reader: inout JSONPullReader) throws -> Result<ArraySlice<UInt8>, ServingError> {
        let kind = try reader.kind()
        var image: Result<ArraySlice<UInt8>, ServingError>?
        if kind == .object {
            try reader.object { reader, name in
                if name == "b64" {
                    image = try Self.base64(&reader)
                } else if name == "image_bytes", try reader.kind() == .object {
                    image = try self.image(&reader)
                } else {
                    try reader.skip()
                }
            }
        } else {
            try reader.skip()
        }
        let expected = #"expected {"b64": "…"} (the model takes images), found \#(kind.name)"#
        return image ?? .failure(.invalidInput(expected))
    }

    /// The bytes of a base64 string; a `data:` URL's prefix is skipped.
    static func base64(_ reader: inout JSONPullReader) throws -> Result<ArraySlice<UInt8>, ServingError> {
        guard try reader.kind() == .string else {
            try reader.skip()
            return .failure(.badRequest("b64: expected a base64 string", code: "invalid_base64"))
        }
        let text = try reader.plainString() ?? Array(reader.string().utf8)[...]
        var digits = text
        if text.starts(with: "data:".utf8), let comma = text.firstIndex(of: UInt8(ascii: ",")) {
            digits = text[(comma + 1)...]
        }
        do throws(Base64.Fault) {
            return .success(try Base64.bytes(of: digits)[...])
        } catch {
            let place = error.offset + digits.startIndex - text.startIndex
            let message = "b64: not valid base64: found \(error) at byte \(place) of the string"
            return .failure(.badRequest(message, code: "invalid_base64"))
        }
    }
}
