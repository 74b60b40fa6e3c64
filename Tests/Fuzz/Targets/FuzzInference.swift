internal import API
internal import Platform

/// A request of the Open Inference Protocol behind two bytes that say how long its JSON is, all ones for all of it: what is
/// read has the elements that its shape says, binary data covers what follows the JSON exactly and in order, and nothing
/// stays leased.
func fuzzInference(_ bytes: [UInt8]) {
    guard bytes.count >= 2 else { return }
    let length = Int(bytes[0]) | Int(bytes[1]) << 8
    let body = Array(bytes.dropFirst(2))
    let budget = MemoryBudget(limit: 1 << 20)
    if let request = attempt({
        try InferRequest(body, headerLength: length == 0xFFFF ? nil : length, budget: budget)
    }) {
        check(request, body, from: length == 0xFFFF ? body.count : length)
        require(Set(request.inputs.map(\.name)).count == request.inputs.count, "no input is there twice")
    }
    require(budget.used == 0, "what was read is given back")
}

private func check(_ request: InferRequest, _ body: [UInt8], from start: Int) {
    var end = start
    for input in request.inputs {
        require(input.shape.allSatisfy { $0 >= 1 }, "dimensions are at least 1")
        require(input.shape.reduce(1, *) == input.count, "a shape has its product")
        switch input.data {
        case .bytes(let range):
            require(
                range.lowerBound == end && range.upperBound <= body.count,
                "data lies in order in the body"
            )
            require(range.count % input.count == 0, "data has whole numbers")
            end = range.upperBound
        case .numbers(let numbers):
            require(numbers.count == input.count, "there are as many numbers as the shape says")
            require(numbers.allSatisfy(\.isFinite), "numbers of JSON are finite")
        case .elements(let elements, let isJSON):
            require(elements.count == input.count, "there are as many elements as the shape says")
            guard !isJSON else { continue }
            for element in elements {
                require(element.startIndex == end + 4, "elements lie in order in the body")
                end = element.endIndex
            }
        }
    }
    require(end == body.count, "the body has an end")
}
