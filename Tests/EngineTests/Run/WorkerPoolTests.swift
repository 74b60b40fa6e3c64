import Engine
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test(arguments: [1, 2, 3, 8])
    func `runs every task of every job exactly once`(_ threads: Int) {
        let pool = WorkerPool(threads: threads)
        let limit = 97
        let counts = (0..<limit).map { _ in Counter() }
        var expected = [Int](repeating: 0, count: limit)
        for round in 0..<20_000 {
            let tasks = round % limit
            pool.parallel(tasks) { task, thread in
                precondition(thread >= 0 && thread < threads)
                counts[task].add(1)
            }
            for task in 0..<tasks { expected[task] += 1 }
        }
        #expect(counts.map(\.value) == expected)
    }

    @Test func `has finished every task when it returns`() {
        let pool = WorkerPool(threads: 4)
        for round in 1...5_000 {
            let total = Counter()
            pool.parallel(round % 9) { task, _ in total.add(task + 1) }
            let tasks = round % 9
            #expect(total.value == tasks * (tasks + 1) / 2)
        }
    }

    @Test func `never runs two tasks on one thread number at once`() {
        let pool = WorkerPool(threads: 3)
        let busy = (0..<3).map { _ in Counter() }
        let collisions = Counter()
        for _ in 0..<2_000 {
            pool.parallel(20) { _, thread in
                if busy[thread].add(1) != 1 { collisions.add(1) }
                busy[thread].add(-1)
            }
        }
        #expect(collisions.value == 0)
    }

    @Test func `starts and stops many pools`() {
        for round in 0..<200 {
            let pool = WorkerPool(threads: 1 + round % 4)
            let total = Counter()
            if round % 3 > 0 { pool.parallel(5) { _, _ in total.add(1) } }
            #expect(total.value == (round % 3 > 0 ? 5 : 0))
        }
    }
}

/// A number that threads may add to.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func add(_ amount: Int) -> Int { number.add(amount, ordering: .sequentiallyConsistent).newValue }
}
