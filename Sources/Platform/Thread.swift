internal import CLinux
import Glibc

/// A named operating-system thread that runs one function.
///
/// Join it to wait for its end; one that is let go ends by itself, and leaves nothing.
package struct Thread: ~Copyable {
    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Parameters:
    ///   - name: shown by `top -H` and debuggers; Linux keeps the first 15 bytes.
    ///   - body: what it runs.
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let code = unsafe pthread_create(
            &handle,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                unsafe linux_set_thread_name(start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard code == 0 else {
            unsafe start.release()
            throw SystemError("start thread \(name)", code: code)
        }
        self.handle = handle
    }

    /// Waits until the thread has returned.
    package consuming func join() {
        pthread_join(releaseHandle(), nil)
    }

    deinit {
        pthread_detach(handle)
    }

    /// Gives up the handle, for an owner that joins it later.
    consuming func releaseHandle() -> pthread_t {
        let handle = handle
        discard self
        return handle
    }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

/// How much of the processors the calling thread gets beside others.
package enum Priority {
    /// Gives way to threads that somebody waits for, without a way back; threads that it starts do so too.
    ///
    /// - Source: setpriority(2), which on Linux means the calling thread alone.
    package static func lower() {
        // A thread that may not give way goes on as it is.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
    }
}
