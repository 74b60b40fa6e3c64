/// The number of steps of each item in a batch.
///
/// It belongs to one session; the pointer is good until the next `reserve`.
@safe // the memory lives until `reserve` or the object's end
package final class StepCounts {
    package private(set) var base = UnsafeMutablePointer<Int>.allocate(capacity: 0)
    package private(set) var count = 0

    /// The counts of no item.
    package init() {}

    deinit { unsafe base.deallocate() }

    /// Makes room for `needed` items and sets all of them to `steps`.
    package func reserve(_ needed: Int, steps: Int) {
        if needed > count {
            unsafe base.deallocate()
            unsafe base = .allocate(capacity: needed)
            count = needed
        }
        unsafe base.initialize(repeating: steps, count: count)
    }

    /// The steps of an item.
    package subscript(item: Int) -> Int {
        get {
            precondition(item >= 0 && item < count, "item \(item) of \(count)")
            return unsafe base[item]
        }
        set {
            precondition(item >= 0 && item < count, "item \(item) of \(count)")
            unsafe base[item] = newValue
        }
    }
}
