import Foundation
import Synchronization

/// Runs `body` on `count` threads at once and returns their results in order.
///
/// Expectations belong after the call: the testing library cannot tell which test a foreign thread belongs to.
///
/// - Throws: the error of the first thread, by index, that threw one.
func onThreads<Value: Sendable>(
    _ count: Int,
    _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
    let results = Results<Value>()
    let group = DispatchGroup()
    for index in 0..<count {
        group.enter()
        let thread = Thread {
            let result = Result { try body(index) }
            results.byIndex.withLock { $0[index] = result }
            group.leave()
        }
        thread.stackSize = 1 << 20
        thread.start()
    }
    group.wait()
    return try results.byIndex.withLock { results in
        try (0..<count).map { index in
            guard let result = results[index] else { throw Client.Failure("thread \(index) has no result") }
            return try result.get()
        }
    }
}

private final class Results<Value: Sendable>: Sendable {
    let byIndex = Mutex<[Int: Result<Value, any Error>]>([:])
}
