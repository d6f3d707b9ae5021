/// What one node sends: who it is, the number of the message, and what has changed.
///
/// As text, `1 <sender> <number>` and then `*` for a gap and a digest for each record, all with a space between. A message
/// that says no more than that is a sign of life.
package struct InvalidationMessage: Sendable, Hashable {
    /// How many records a message names at most, so that it has less than the 8000 bytes that PostgreSQL takes.
    package static let limit = 256

    /// Random; of one feed.
    package let sender: UInt64
    /// One more with each message, from 1.
    package let number: UInt64
    package let batch: InvalidationQueue.Batch

    package init(sender: UInt64, number: UInt64, batch: InvalidationQueue.Batch = .init()) {
        self.sender = sender
        self.number = number
        self.batch = batch
    }

    package var text: String {
        var words = ["1", String(sender, radix: 16), String(number)]
        if batch.isGap { words.append("*") }
        return (words + batch.changed.map(\.description)).joined(separator: " ")
    }

    /// The message that `text` spells; `nil` if it is none that this version knows.
    package init?(_ text: some Collection<UInt8>) {
        guard text.count < 8000 else { return nil }
        var words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)[...]
        guard words.count >= 3, words[0].elementsEqual("1".utf8),
            let sender = UInt64(String(decoding: words[1], as: UTF8.self), radix: 16),
            let number = UInt64(String(decoding: words[2], as: UTF8.self))
        else { return nil }
        words = words.dropFirst(3)
        var batch = InvalidationQueue.Batch()
        if let first = words.first, first.elementsEqual("*".utf8) {
            batch.isGap = true
            words.removeFirst()
        }
        for word in words {
            guard let digest = KeyDigest(word) else { return nil }
            batch.changed.append(digest)
        }
        self.init(sender: sender, number: number, batch: batch)
    }
}
