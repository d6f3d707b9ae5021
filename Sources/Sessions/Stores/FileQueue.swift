/// Elements in the order they came; adding one and taking one cost the same, whatever waits.
struct FileQueue<Element> {
    private var elements: [Element?] = []
    /// How many at the front are taken already.
    private var taken = 0

    var count: Int { elements.count - taken }

    var isEmpty: Bool { count == 0 }

    var first: Element? { isEmpty ? nil : elements[taken] }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[taken].take()
        taken += 1
        // Moves no more elements than were taken since the last time.
        if taken * 2 >= elements.count {
            elements.removeFirst(taken)
            taken = 0
        }
        return element
    }

    /// Takes the elements in front that `condition` is true for.
    mutating func popFirst(while condition: (Element) -> Bool) -> [Element] {
        var result: [Element] = []
        while let first, condition(first) {
            result.append(first)
            _ = popFirst()
        }
        return result
    }
}
