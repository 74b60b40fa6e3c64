import Platform
import Synchronization
import Testing

@Suite struct BoundedQueueTests {
    @Test func `gives elements back in the order they came`() {
        let queue = BoundedQueue<Int>(capacity: 3)
        for round in 0..<5 {
            for i in 0..<3 { #expect(queue.offer(round * 10 + i)) }
            for i in 0..<3 { #expect(queue.take() == round * 10 + i) }
        }
    }

    @Test func `refuses when it is full and accepts again after a take`() {
        let queue = BoundedQueue<String>(capacity: 1)
        #expect(queue.offer("a"))
        #expect(!queue.offer("b"))
        #expect(queue.count == 1)
        #expect(queue.take() == "a")
        #expect(queue.offer("c"))
    }

    @Test func `closed, it refuses, gives out what waits, then nil`() {
        let queue = BoundedQueue<Int>(capacity: 2)
        #expect(queue.offer(1))
        queue.close()
        #expect(!queue.offer(2))
        #expect(queue.take() == 1)
        #expect(queue.take() == nil)
    }

    @Test func `hands every element to exactly one of several takers`() throws {
        let queue = BoundedQueue<Int>(capacity: 16)
        let threads = ThreadGroup()
        let taken = Mutex<[Int]>([])
        for i in 0..<4 {
            try threads.start(name: "taker-\(i)") {
                while let element = queue.take() { taken.withLock { $0.append(element) } }
            }
        }
        for i in 0..<2000 { while !queue.offer(i) {} }
        queue.close()
        threads.join()
        #expect(taken.withLock { $0.sorted() } == Array(0..<2000))
    }
}
