/// The values of a session: names and JSON texts, in the order in which they were first written.
///
/// A name usually has one text. It has more while nodes of two versions disagree about its type: the first stays as it
/// is, and what a node writes that could not decode it stands beside it. So neither node loses what it understands, and
/// a value that no longer decodes costs nothing but itself.
struct SessionValues: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        var name: ValueName
        /// At least one. The first is the value proper, the others were set aside.
        var texts: [JSONText]
    }

    private(set) var entries: [Entry] = []

    /// The most texts one name may have; when a further one comes, the last gives way.
    static let maximumTexts = 4

    var isEmpty: Bool { entries.isEmpty }

    private func index(of name: ValueName) -> Int? {
        entries.firstIndex { $0.name == name }
    }

    /// The texts kept under `name`.
    func texts(_ name: ValueName) -> [JSONText] {
        index(of: name).map { entries[$0].texts } ?? []
    }

    /// Whether anything is kept under `name`.
    func contains(_ name: ValueName) -> Bool {
        index(of: name) != nil
    }

    /// The value under `name`: the first of its texts that decodes.
    func value<Value: Codable>(_ name: ValueName, as type: Value.Type) -> (value: Value, slot: Int)? {
        guard let index = index(of: name) else { return nil }
        for (slot, text) in entries[index].texts.enumerated() {
            if let value = JSONCoding.decode(type, from: text) { return (value, slot) }
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
            entries.append(Entry(name: name, texts: [encoded]))
            return
        }
        guard let (stored, slot) = self.value(name, as: Value.self) else {
            if entries[index].texts.count == Self.maximumTexts { entries[index].texts.removeLast() }
            entries[index].texts.append(encoded)
            return
        }
        let text = entries[index].texts[slot]
        guard !JSONCoding.equal(value, encoded: encoded, stored: stored, text: text) else { return }
        entries[index].texts[slot] = encoded
    }

    /// Removes everything kept under `name`.
    mutating func remove(_ name: ValueName) {
        entries.removeAll { $0.name == name }
    }

    /// Removes everything but what is kept under `names`.
    mutating func keepOnly(_ names: Set<ValueName>) {
        entries.removeAll { !names.contains($0.name) }
    }

    /// Puts back `text` as found in a payload: as the value proper, or as one that was set aside.
    mutating func restore(_ name: ValueName, _ text: JSONText) {
        if let index = index(of: name) {
            entries[index].texts.append(text)
        } else {
            entries.append(Entry(name: name, texts: [text]))
        }
    }
}
