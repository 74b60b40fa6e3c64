import Glibc
internal import Synchronization

/// A few threads of our own on which the work of requests runs: decoding, preparing, answering.
///
/// It is a task executor, so a request is one `async` function: where it waits for the engine it gives its thread back,
/// and goes on here when it is woken. What has begun goes before what has not. The global pool of Swift's concurrency is
/// never used, and a thread here may compute as long as it likes.
package final class Lane: TaskExecutor {
    /// Something that has not begun.
    package typealias Work = @Sendable () async -> Void

    private struct State {
        var jobs = Queue<UnownedJob>()
        var works = Queue<Work>()
        /// Threads that begin a work themselves, each with the first job of that work once it is known.
        var beginners: [(thread: pthread_t, job: UnownedJob?)] = []
        var isClosed = false
    }

    private enum Step {
        case resume(UnownedJob)
        case begin(Work)
        case end
    }

    private let state = Monitor(State())
    private let threads = ThreadGroup()

    /// Starts the threads.
    ///
    /// - Throws: `SystemError` when the system has no thread left to give.
    package init(threads count: Int, name: String = "lane") throws(SystemError) {
        precondition(count > 0, "a lane of \(count) threads")
        for index in 0..<count { try threads.start(name: "\(name)-\(index)") { self.run() } }
    }

    /// How many works wait to begin.
    package var waiting: Int { state.withLock { $0.works.count } }

    /// Begins a work when a thread is free; after `close` it is dropped.
    package func begin(_ work: @escaping Work) {
        state.signalOne { if !$0.isClosed { $0.works.append(work) } }
    }

    /// Begins a work on the calling thread and returns when it is done or waits; it then goes on on the lane.
    ///
    /// Worth it for a work that is over sooner than a thread is woken. A work within a work begins as usual.
    package func beginHere(_ work: @escaping Work) {
        let thread = pthread_self()
        let isFree = state.withLock { state in
            guard !state.isClosed, !state.beginners.contains(where: { $0.thread == thread }) else {
                return false
            }
            state.beginners.append((thread, nil))
            return true
        }
        guard isFree else { return begin(work) }
        Task(executorPreference: self, operation: work)
        let job = state.withLock { state -> UnownedJob? in
            let index = state.beginners.firstIndex { $0.thread == thread }
            return index.flatMap { state.beginners.remove(at: $0).job }
        }
        if let job { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
    }

    /// Runs a work and waits for its result on the calling thread, which must not be one of the lane's.
    package func wait<Result: Sendable, Failure: Error>(
        for work: @escaping @Sendable () async throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let box = Monitor<Swift.Result<Result, Failure>?>(nil)
        begin {
            let result: Swift.Result<Result, Failure>
            do throws(Failure) { result = .success(try await work()) } catch { result = .failure(error) }
            box.signal { $0 = result }
        }
        guard let result = box.wait(for: { $0 }) else { preconditionFailure("a wait without an end ended") }
        return try result.get()
    }

    /// Ends the threads once nothing that has begun can go on; what waits to begin is dropped.
    package func close() {
        state.signal {
            $0.isClosed = true
            $0.works = Queue()
        }
        threads.join()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isTaken = state.withLock { state in
            if !state.beginners.isEmpty {
                let thread = pthread_self()
                let index = state.beginners.firstIndex { $0.thread == thread && $0.job == nil }
                if let index {
                    state.beginners[index].job = job
                    return true
                }
            }
            state.jobs.append(job)
            return false
        }
        if !isTaken { state.wakeOne() }
    }

    private func run() {
        while let step = state.wait(for: Self.next) {
            switch step {
            case .resume(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            case .begin(let work): Task(executorPreference: self, operation: work)
            case .end: return
            }
        }
    }

    private static func next(_ state: inout State) -> Step? {
        if let job = state.jobs.popFirst() { return .resume(job) }
        if let work = state.works.popFirst() { return .begin(work) }
        return state.isClosed ? .end : nil
    }
}

/// First in, first out: an array whose front is a number.
private struct Queue<Element> {
    private var elements: [Element?] = []
    private var first = 0

    var count: Int { elements.count - first }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        defer {
            elements[first] = nil
            first += 1
            if first == elements.count {
                elements.removeAll(keepingCapacity: first <= 1024)
                first = 0
            } else if first >= 4096, first * 2 >= elements.count {
                elements.removeFirst(first)
                first = 0
            }
        }
        return elements[first]
    }
}
