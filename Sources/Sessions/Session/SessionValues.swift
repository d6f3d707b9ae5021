/// The values of a session: names and JSON texts, in the order in which they were first written.
///
/// A name usually has one text. It has more while nodes of two versions disagree about its type: the first stays as it
/// is, and what a node writes that could not decode it stands beside it. So neither node loses what it understands, and
/// a value that no longer decodes costs nothing but itself.
struct SessionValues: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var name: ValueName
        /// The value proper.
        var text: JSONText
        /// What other nodes wrote that could not decode it.
        var aside: [JSONText] = []
    }

    private(set) var entries: [Entry] = []

    /// The most texts that stand beside a value; when a further one comes, the last gives way.
    static let maximumAside = 3

    init() {}

    /// The values found in a payload; `nil` if one name comes twice.
    init?(restoring entries: [Entry]) {
        // Few names are compared faster than hashed; many must not cost their square.
        if entries.count <= 16 {
            for (index, entry) in entries.enumerated() {
                guard !entries[..<index].contains(where: { $0.name == entry.name }) else { return nil }
            }
        } else {
            guard Set(entries.map(\.name)).count == entries.count else { return nil }
        }
        self.entries = entries
    }

    var isEmpty: Bool { entries.isEmpty }

    private func index(of name: ValueName) -> Int? {
        entries.firstIndex { $0.name == name }
    }

    /// The texts kept under `name`, the value proper first.
    func texts(_ name: ValueName) -> [JSONText] {
        index(of: name).map { [entries[$0].text] + entries[$0].aside } ?? []
    }

    /// Whether anything is kept under `name`.
    func contains(_ name: ValueName) -> Bool {
        index(of: name) != nil
    }

    /// The value under `name`: the first of its texts that decodes.
    func value<Value: Codable>(_ name: ValueName, as type: Value.Type) -> Value? {
        guard let index = index(of: name) else { return nil }
        if let value = JSONCoding.decode(type, from: entries[index].text) { return value }
        guard !entries[index].aside.isEmpty else { return nil }
        return found(type, at: index)?.value
    }

    /// The first text of an entry that decodes, and its place in `aside`; no place if it is the value proper.
    private func found<Value: Codable>(_ type: Value.Type, at index: Int) -> (value: Value, place: Int?)? {
        if let value = JSONCoding.decode(type, from: entries[index].text) { return (value, nil) }
        for (place, text) in entries[index].aside.enumerated() {
            if let value = JSONCoding.decode(type, from: text) { return (value, place) }
        }
        return nil
    }

    /// Writes `value` under `name`, over the text that a `Value` was read from.
    ///
    /// A value that equals what is there leaves the bytes alone. A text that is no `Value` is left alone too, and the new
    /// text stands beside it.
    mutating func set<Value: Codable>(_ name: ValueName, to value: Value) throws {
        let encoded = try JSONCoding.encode(value)
        guard let index = index(of: name) else {
            entries.append(Entry(name: name, text: encoded))
            return
        }
        guard let (stored, place) = found(Value.self, at: index) else {
            if entries[index].aside.count == Self.maximumAside { entries[index].aside.removeLast() }
            entries[index].aside.append(encoded)
            return
        }
        let text = place.map { entries[index].aside[$0] } ?? entries[index].text
        guard !JSONCoding.equal(value, encoded: encoded, stored: stored, text: text) else { return }
        if let place {
            entries[index].aside[place] = encoded
        } else {
            entries[index].text = encoded
        }
    }

    /// Removes everything kept under `name`.
    mutating func remove(_ name: ValueName) {
        entries.removeAll { $0.name == name }
    }

    /// Removes everything but what is kept under `names`.
    mutating func keepOnly(_ names: Set<ValueName>) {
        entries.removeAll { !names.contains($0.name) }
    }

    /// Keeps the texts that stand beside a value, and nothing else.
    mutating func keepAside() {
        entries = entries.filter { !$0.aside.isEmpty }
            .map { Entry(name: $0.name, text: JSONText("null".utf8), aside: $0.aside) }
    }

    /// Puts back what was found beside the value of `name`, if there is one still.
    mutating func restore(aside: [JSONText], of name: ValueName) {
        if let index = index(of: name) { entries[index].aside = aside }
    }

    /// Puts back the texts found beside values.
    ///
    /// - Returns: `false` if there is no such value.
    mutating func restore(aside: [ValueName: [JSONText]]) -> Bool {
        var count = 0
        for index in entries.indices {
            guard let texts = aside[entries[index].name] else { continue }
            entries[index].aside = texts
            count += 1
        }
        return count == aside.count
    }
}
