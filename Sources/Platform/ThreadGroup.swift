import Glibc
import Synchronization

/// Threads that are started one by one and joined together.
package final class ThreadGroup: Sendable {
    private let handles = Mutex<[pthread_t]>([])

    package init() {}

    /// Starts a thread that `join` will wait for.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let handle = try Thread(name: name, body).releaseHandle()
        handles.withLock { $0.append(handle) }
    }

    /// Waits until every thread started so far has returned.
    package func join() {
        let handles = handles.withLock { handles in
            defer { handles = [] }
            return handles
        }
        for handle in handles { pthread_join(handle, nil) }
    }
}
