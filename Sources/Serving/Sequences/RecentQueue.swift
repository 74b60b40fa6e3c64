/// Elements in the order in which they came, taken from the front at constant cost on average.
struct RecentQueue<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }

    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    /// - Precondition: there is an element.
    mutating func removeFirst() {
        precondition(head < elements.count, "an empty queue has no first element")
        head += 1
        guard head > 64, 2 * head > elements.count else { return }
        elements.removeFirst(head)
        head = 0
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        elements = elements[head...].filter { !isUnwanted($0) }
        head = 0
    }
}
