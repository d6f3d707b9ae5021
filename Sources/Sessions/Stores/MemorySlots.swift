/// Elements under small numbers that stay theirs until they are removed; a vacant number is given out again.
struct MemorySlots<Element: Sendable>: Sendable {
    /// By number; `nil` where a slot is vacant.
    var elements: [Element?] = []
    private var vacant: [UInt32] = []

    subscript(slot: UInt32) -> Element? { elements[Int(slot)] }

    mutating func insert(_ element: Element) -> UInt32 {
        if let slot = vacant.popLast() {
            elements[Int(slot)] = element
            return slot
        }
        elements.append(element)
        return UInt32(elements.count - 1)
    }

    mutating func remove(_ slot: UInt32) -> Element? {
        guard let element = elements[Int(slot)].take() else { return nil }
        vacant.append(slot)
        return element
    }
}
