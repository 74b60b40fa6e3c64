/// What is still to be done with models, and which of it may begin now: a value without threads.
///
/// Of one model one thing is done at a time, in the order in which it was asked for. What a request waits for goes first.
/// Together the loads that run take no more memory than they may, but one may always run.
package struct LoadQueue {
    /// What is to be done with a model.
    package enum Action: Equatable {
        /// Load what is new in its folder, and drop what is gone from it. A forced one loads also what was unloaded.
        case refresh(isForced: Bool)
        /// Load one version that a request asks for.
        case demand(String)
        /// Let all versions go until somebody asks for the model to be loaded.
        case unload
    }

    /// In which order models are loaded.
    package enum Order: Equatable {
        case smallestFirst
        case asListed
    }

    package struct Task {
        package let number: Int
        package let model: String
        package let action: Action
        /// What doing it may take, in bytes.
        package let bytes: Int
        /// Whether it gives way to everything else.
        package let isQuiet: Bool
        package fileprivate(set) var completions: [Completion]
    }
    package typealias Completion = @Sendable ([ModelChange]) -> Void

    private let threads: Int
    private let maxBytes: Int
    private let order: Order
    private var waiting: [Task] = []
    private var running: [Task] = []
    private var count = 0

    /// - Parameters:
    ///   - threads: how many things are done at a time.
    ///   - maxBytes: what they may take together.
    ///   - order: of what was asked for at the same time.
    package init(threads: Int, maxBytes: Int = .max, order: Order = .smallestFirst) {
        self.threads = threads
        self.maxBytes = maxBytes
        self.order = order
    }

    /// Whether something waits or runs.
    var isBusy: Bool { !waiting.isEmpty || !running.isEmpty }

    /// Adds something to do; the same thing once more, while it waits, is done once.
    package mutating func add(
        _ action: Action,
        with model: String,
        bytes: Int = 0,
        isQuiet: Bool = false,
        _ completion: @escaping Completion
    ) {
        if let index = waiting.firstIndex(where: { $0.model == model && $0.action == action }) {
            waiting[index].completions.append(completion)
            return
        }
        count += 1
        waiting.append(
            Task(
                number: count,
                model: model,
                action: action,
                bytes: bytes,
                isQuiet: isQuiet,
                completions: [completion]
            )
        )
    }

    /// Takes what may begin now; nil when nothing may.
    package mutating func next() -> Task? {
        guard running.count < threads else { return nil }
        let used = running.reduce(0) { $0 + $1.bytes }
        let first = waiting.enumerated().filter { index, task in
            let isFree = !running.contains { $0.model == task.model }
            let isFirst = !waiting[..<index].contains { $0.model == task.model }
            return isFree && isFirst && (running.isEmpty || task.bytes <= maxBytes - min(used, maxBytes))
        }.min { goes($0.element, before: $1.element) }
        guard let first else { return nil }
        let task = waiting.remove(at: first.offset)
        running.append(task)
        return task
    }

    /// Takes note that something is done.
    package mutating func finish(_ task: Task) {
        running.removeAll { $0.number == task.number }
    }

    private func goes(_ one: Task, before other: Task) -> Bool {
        if one.isDemanded != other.isDemanded { return one.isDemanded }
        if order == .smallestFirst, one.bytes != other.bytes { return one.bytes < other.bytes }
        return one.number < other.number
    }
}

extension LoadQueue.Task {
    fileprivate var isDemanded: Bool { if case .demand = action { true } else { false } }
}
