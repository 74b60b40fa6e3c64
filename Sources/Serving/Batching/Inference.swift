/// What the engine answered to one request, and what that took.
package struct Inference: Sendable {
    /// The logits of each item, in the request's order.
    package let outputs: [[Float]]
    /// The recurrent state in which each item ended; empty unless the request asked for it.
    package let states: [[Float]]
    /// From the request's arrival until its first item ran.
    package let queue: Duration
    /// From then until its last item was done.
    package let compute: Duration
    /// The size of the largest batch that one of its items ran in.
    package let batchSize: Int

    package init(
        outputs: [[Float]],
        states: [[Float]] = [],
        queue: Duration,
        compute: Duration,
        batchSize: Int
    ) {
        self.outputs = outputs
        self.states = states
        self.queue = queue
        self.compute = compute
        self.batchSize = batchSize
    }
}
