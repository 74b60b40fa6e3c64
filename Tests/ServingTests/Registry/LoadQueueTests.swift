import Models
import Testing

/// What is loaded, in which order, and what has to go for it: values with names and numbers.
struct LoadQueueTests {
    private func add(
        _ queue: inout LoadQueue,
        _ model: String,
        _ action: LoadQueue.Action = .refresh(isForced: false),
        bytes: Int = 0
    ) {
        queue.add(action, with: model, bytes: bytes) { _ in }
    }

    private func next(_ queue: inout LoadQueue) throws -> LoadQueue.Task {
        let task = queue.next()
        return try #require(task)
    }

    private func expect(
        _ model: String?,
        from queue: inout LoadQueue,
        at location: SourceLocation = #_sourceLocation
    ) {
        let found = queue.next()?.model
        #expect(found == model, sourceLocation: location)
    }

    @Test func `small models come first, in the order of the list where that is asked for`() {
        for (order, expected) in [
            (LoadQueue.Order.smallestFirst, ["b", "c", "a"]), (.asListed, ["a", "b", "c"]),
        ] {
            var queue = LoadQueue(threads: 3, order: order)
            for (model, bytes) in [("a", 300), ("b", 100), ("c", 200)] { add(&queue, model, bytes: bytes) }
            for model in expected { expect(model, from: &queue) }
            expect(nil, from: &queue)
        }
    }

    @Test func `together loads take no more than they may, but one may always run`() throws {
        var queue = LoadQueue(threads: 4, maxBytes: 250)
        for (model, bytes) in [("a", 100), ("b", 150), ("c", 160), ("huge", 1000)] {
            add(&queue, model, bytes: bytes)
        }
        let first = try next(&queue)
        let second = try next(&queue)
        #expect([first.model, second.model] == ["a", "b"])
        expect(nil, from: &queue)
        queue.finish(first)
        expect(nil, from: &queue)
        queue.finish(second)
        let third = try next(&queue)
        #expect(third.model == "c")
        expect(nil, from: &queue)
        queue.finish(third)
        expect("huge", from: &queue)
    }

    @Test func `of a model one thing is done at a time, in order, and the same thing once`() throws {
        var queue = LoadQueue(threads: 4)
        add(&queue, "m")
        add(&queue, "m", .unload)
        add(&queue, "m", .unload)
        let first = try next(&queue)
        expect(nil, from: &queue)
        add(&queue, "m")
        queue.finish(first)
        let second = try next(&queue)
        #expect(second.action == .unload)
        #expect(second.completions.count == 2)
        queue.finish(second)
        let last = try next(&queue)
        #expect(last.action == .refresh(isForced: false))
    }

    @Test func `what a request waits for goes before everything else`() {
        var queue = LoadQueue(threads: 1)
        add(&queue, "small", bytes: 1)
        add(&queue, "wanted", .demand("1"), bytes: 100)
        expect("wanted", from: &queue)
    }

    // swift-format-ignore
    @Test(arguments: [
        (VersionPolicy.all, [1, 2, 7]), (.latest(1), [7]), (.latest(2), [2, 7]), (.latest(9), [1, 2, 7]),
        (.specific([1, 3, 7]), [1, 7]), (.specific([3]), []),
    ])
    func `a policy says which versions are loaded`(policy: VersionPolicy, wanted: [Int]) {
        #expect(policy.wanted(of: [1, 2, 7]) == wanted)
    }

    @Test func `those not asked for for longest make room`() {
        let residents = [
            ModelRoom.Resident(key: "a", bytes: 40, lastUse: 3), .init(key: "b", bytes: 30, lastUse: 1),
            .init(key: "c", bytes: 30, lastUse: 2),
        ]
        #expect(ModelRoom.evictions(for: 10, among: residents, limit: 110) == [])
        #expect(ModelRoom.evictions(for: 11, among: residents, limit: 110) == ["b"])
        #expect(ModelRoom.evictions(for: 50, among: residents, limit: 100) == ["b", "c"])
        #expect(ModelRoom.evictions(for: 100, among: residents, limit: 100) == ["b", "c", "a"])
        #expect(ModelRoom.evictions(for: 101, among: residents, limit: 100) == nil)
    }
}
