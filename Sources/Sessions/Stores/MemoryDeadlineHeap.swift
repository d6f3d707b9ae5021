/// Slots in the order of their deadlines: a heap that knows where each slot stands in it.
///
/// Because it knows, a deadline that moves and a record that goes cost a logarithm and leave nothing behind. A heap of
/// dead entries would let a flood of logins and logouts grow the store without a single live record.
struct MemoryDeadlineHeap: Sendable {
    private struct Item {
        var deadline: Timestamp
        var slot: UInt32
    }

    /// Four children a node: half the levels of a binary heap, and the four are in one cache line.
    private static let arity = 4
    private static let absent = UInt32.max

    private var items: [Item] = []
    private var positions: [UInt32] = []

    /// The slot with the earliest deadline.
    var first: (deadline: Timestamp, slot: UInt32)? {
        items.first.map { ($0.deadline, $0.slot) }
    }

    /// Adds `slot`, or moves it if it is there already.
    mutating func set(_ slot: UInt32, to deadline: Timestamp) {
        if let position = position(of: slot) {
            let earlier = deadline < items[position].deadline
            items[position].deadline = deadline
            if earlier { siftUp(position) } else { siftDown(position) }
        } else {
            items.append(Item(deadline: deadline, slot: slot))
            if slot >= positions.count {
                positions.append(contentsOf: repeatElement(Self.absent, count: Int(slot) + 1 - positions.count))
            }
            positions[Int(slot)] = UInt32(items.count - 1)
            siftUp(items.count - 1)
        }
    }

    /// Takes `slot` out, if it is there.
    mutating func remove(_ slot: UInt32) {
        guard let position = position(of: slot) else { return }
        positions[Int(slot)] = Self.absent
        let last = items.removeLast()
        guard last.slot != slot else { return }
        let earlier = last.deadline < items[position].deadline
        place(last, at: position)
        if earlier { siftUp(position) } else { siftDown(position) }
    }

    private func position(of slot: UInt32) -> Int? {
        guard slot < positions.count, positions[Int(slot)] != Self.absent else { return nil }
        return Int(positions[Int(slot)])
    }

    private mutating func place(_ item: Item, at position: Int) {
        items[position] = item
        positions[Int(item.slot)] = UInt32(position)
    }

    private mutating func siftUp(_ start: Int) {
        let item = items[start]
        var position = start
        while position > 0 {
            let parent = (position - 1) / Self.arity
            guard item.deadline < items[parent].deadline else { break }
            place(items[parent], at: position)
            position = parent
        }
        place(item, at: position)
    }

    private mutating func siftDown(_ start: Int) {
        let item = items[start]
        var position = start
        while true {
            let firstChild = position * Self.arity + 1
            guard firstChild < items.count else { break }
            var child = firstChild
            for other in (firstChild + 1)..<min(firstChild + Self.arity, items.count)
            where items[other].deadline < items[child].deadline {
                child = other
            }
            guard items[child].deadline < item.deadline else { break }
            place(items[child], at: position)
            position = child
        }
        place(item, at: position)
    }
}
