internal import Support
internal import Tasks

extension PredictRequest {
    /// The instances as TensorFlow Serving's columns: a list, or one under the name of the model's input.
    static func columns(
        _ reader: inout JSONPullReader,
        _ form: InstanceReader
    ) throws -> Instances? {
        if let tensors = form.tensors {
            let (items, count, fault) = try tensors.columns(&reader)
            return Instances(instances: items, count: count, fault: fault)
        }
        var list: Instances?
        let kind = try reader.kind()
        switch kind {
        case .array: return try Instances(&reader, form)
        case .object:
            try reader.object { reader, name in
                guard name == form.inputName else {
                    let message =
                        "inputs: unknown input '\(name.clipped(to: 200))'; the model's is '\(form.inputName)'"
                    throw ServingError.badRequest(message, code: "unknown_input")
                }
                guard try reader.kind() == .array else { return try reader.skip() }
                list = try Instances(&reader, form)
            }
        default: try reader.skip()
        }
        guard let list else {
            let expected = "an array, or an object with an array under '\(form.inputName)'"
            throw ServingError.badRequest(
                "inputs: expected \(expected), found \(kind.name)",
                code: "invalid_json"
            )
        }
        return list
    }

    /// The instances of a request: those before the first that is wrong, and what is wrong with it.
    struct Instances {
        var instances: [Instance] = []
        var count = 0
        var fault: ServingError?

        init(instances: [Instance], count: Int, fault: ServingError?) {
            (self.instances, self.count, self.fault) = (instances, count, fault)
        }

        init(_ reader: inout JSONPullReader, _ form: InstanceReader) throws {
            var (instances, count, fault) = ([Instance](), 0, ServingError?.none)
            try reader.array { reader, index in
                count += 1
                // After the first that is wrong the others only have to be JSON.
                guard fault == nil, index < maxInstances else { return try reader.skip() }
                switch try form.read(&reader) {
                case .success(let instance): instances.append(instance)
                case .failure(let error): fault = error
                }
            }
            (self.instances, self.count, self.fault) = (instances, count, fault)
        }
    }
}
