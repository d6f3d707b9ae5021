package import Sessions

/// What ``CrashHammer`` said about its keys, and what is allowed to be found after it was killed.
package struct CrashHistory {
    private struct Key {
        /// The states that its writes lead to, and how many of them were answered.
        var states: [String] = []
        var answered = 0
    }

    private var keys: [String: Key] = [:]

    package init() {}

    /// How many keys were written.
    package var count: Int { keys.count }

    /// Takes in what a process said before it was killed.
    ///
    /// - Returns: lines that say that something went wrong.
    package mutating func note(_ lines: [Substring]) -> [Substring] {
        var wrong: [Substring] = []
        for line in lines {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "begin" where words.count == 4: keys[words[1], default: Key()].states.append(words[3])
            case "done" where words.count == 3: keys[words[1], default: Key()].answered += 1
            default: wrong.append(line)
            }
        }
        return wrong
    }

    /// Compares with what is there, which is from now on what every later look has to find.
    ///
    /// - Returns: what must not be.
    package mutating func check(_ store: some SessionStore) async throws -> [String] {
        var wrong: [String] = []
        for (text, key) in keys {
            guard let storeKey = StoreKey(text) else { continue }
            let state = try await store.load(storeKey).map(Self.state) ?? "gone"
            // A write that was under way may have come to be or not: the state before it, or the one after.
            let last = key.answered == 0 ? "gone" : key.states[key.answered - 1]
            let allowed = [last] + key.states[key.answered...]
            if allowed.count > 2 || !allowed.contains(state) {
                wrong.append("\(text): \(state) is not among \(allowed)")
            }
            keys[text] = Key(states: [state], answered: 1)
        }
        return wrong
    }

    /// A record in one word.
    package static func state(of record: StoredRecord) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in record.payload { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return "\(record.version.rawValue)/\(record.idleDeadline.microseconds)/\(record.payload.count)/\(hash)"
    }
}
