import Crypto
import Sessions
import SessionsTesting
import Synchronization
import Testing

@Suite("What nodes tell each other")
struct InvalidationTests {
    private static func digest(_ number: Int) throws -> KeyDigest {
        KeyDigest(try #require(StoreKey("key-\(number)")))
    }

    @Test("LG-01: a digest is SHA-256 over a label and the key, cut to sixteen bytes, and has one spelling")
    func digest() throws {
        let key = StoreKey(SessionHandle(bytes: 0..<16))
        let hash = SHA256.hash(data: Array("swift-sessions 1 invalidation".utf8) + Array(key.text.utf8))
        let text = Base64URL.encode(Array(hash.prefix(16)))
        #expect(KeyDigest(key).description == text)
        #expect(KeyDigest(text) == KeyDigest(key))
        #expect(!text.contains(key.text))
        for wrong in ["", String(text.dropLast()), text + "A", text + "=", String(repeating: "!", count: 22)] {
            #expect(KeyDigest(wrong) == nil)
        }
    }

    @Test("a message says who, which one and what, and is read as it was written", arguments: [0, 1, 2, 256])
    func message(count: Int) throws {
        for isGap in [false, true] {
            let batch = InvalidationQueue.Batch(isGap: isGap, changed: try (0..<count).map(Self.digest))
            let message = InvalidationMessage(sender: .max, number: .max, batch: batch)
            #expect(InvalidationMessage(message.text.utf8) == message)
            #expect(message.text.utf8.count < 8000)
        }
        #expect(InvalidationMessage.limit == 256)
    }

    @Test("what is no message is none")
    func noMessage() throws {
        let digest = try Self.digest(1)
        for text in [
            "", "1", "1 a", "2 a 1", "1 x 1", "1 a -1", "1 a 1 ", "1 a  1", "1 a 1 **", "1 a 1 \(digest) *",
            "1 a 1 \(digest)\(digest)", "1 a 1 \(digest)A", "1 a 18446744073709551616", "1 a 1 \u{e9}",
            "1 a 1" + String(repeating: " \(digest)", count: 400),
        ] {
            #expect(InvalidationMessage(text.utf8) == nil, "\(text.prefix(40))")
        }
    }

    @Test("what does not fit is a gap, and nothing grows")
    func bound() throws {
        let queue = InvalidationQueue(limit: 3)
        queue.add(try (0..<3).map { .changed(try Self.digest($0)) })
        #expect(queue.take() == .init(changed: try (0..<3).map(Self.digest)))
        for number in 0..<100_000 { queue.add(.changed(try Self.digest(number))) }
        let batch = queue.take()
        #expect(batch.isGap)
        #expect(batch.changed.count <= 3)
        #expect(queue.take().isEmpty)
    }

    @Test("a record that changes again before it was told is told once, and a gap stands for all before it")
    func coalesces() throws {
        let queue = InvalidationQueue(limit: 10)
        let (one, two, three) = (try Self.digest(1), try Self.digest(2), try Self.digest(3))
        for digest in [one, two, one, three] { queue.add(.changed(digest)) }
        #expect(queue.take(2) == .init(changed: [one, two]))
        queue.add(.changed(one))
        queue.giveBack(.init(changed: [two]))
        #expect(queue.take() == .init(changed: [three, one, two]))
        queue.add([.changed(one), .gap, .changed(two)])
        #expect(queue.take() == .init(isGap: true, changed: [two]))
        queue.giveBack(.init(isGap: true, changed: [two]))
        #expect(queue.take() == .init(isGap: true, changed: [two]))
    }

    @Test("whoever listens too slowly keeps nobody waiting, and hears of a gap")
    func slowListener() async throws {
        let queue = InvalidationQueue(limit: 10)
        let heard = Mutex<[Invalidation]>([])
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let digests = try (0...1000).map(Self.digest)
        queue.add(.changed(digests[0]))
        let listening = Task {
            await queue.deliver { news in
                let count = heard.withLock { heard in
                    heard.append(news)
                    return heard.count
                }
                // What comes while the first one is being dealt with.
                if count == 1 { queue.add(digests.dropFirst().map { .changed($0) }) }
                if news == .changed(digests[1000]) || count == 1000 { end.finish() }
            }
        }
        for await _ in ends {}
        listening.cancel()
        await listening.value
        let all = heard.withLock { $0 }
        #expect(all.prefix(2) == [.changed(digests[0]), .gap])
        #expect(all.count <= 12)
    }

    /// What an inbox makes of messages.
    private static func heard(_ messages: InvalidationMessage...) -> [InvalidationQueue.Batch] {
        let news = InvalidationQueue(limit: 100)
        let inbox = InvalidationInbox(sender: 1, news: news)
        return messages.map { message in
            inbox.receive(message.text.utf8)
            return news.take()
        }
    }

    private static func message(
        _ sender: UInt64,
        _ number: UInt64,
        _ changed: KeyDigest...
    ) -> InvalidationMessage {
        InvalidationMessage(sender: sender, number: number, batch: .init(changed: changed))
    }

    @Test("a number that is left out is a gap, of each sender by itself")
    func missing() throws {
        let digest = try Self.digest(1)
        #expect(
            Self.heard(
                Self.message(2, 1, digest),
                Self.message(3, 1),
                Self.message(2, 2),
                Self.message(2, 4, digest),
                Self.message(3, 2),
                // The one that was missed.
                Self.message(2, 3, digest),
                Self.message(2, 5),
                // Somebody whose beginning nobody has heard.
                Self.message(4, 7)
            ) == [
                .init(changed: [digest]), .init(), .init(), .init(isGap: true, changed: [digest]), .init(),
                .init(changed: [digest]), .init(), .init(isGap: true),
            ]
        )
    }

    @Test("what this node sent itself it is not told, a gap of others it is, and what nobody understands is one")
    func oneself() throws {
        let digest = try Self.digest(1)
        #expect(
            Self.heard(
                Self.message(1, 1, digest),
                Self.message(1, 5, digest),
                InvalidationMessage(sender: 2, number: 1, batch: .init(isGap: true))
            ) == [.init(), .init(), .init(isGap: true)]
        )
        let news = InvalidationQueue(limit: 100)
        InvalidationInbox(sender: 1, news: news).receive("2 a new kind of message".utf8)
        #expect(news.take() == .init(isGap: true))
    }

    @Test("it begins and ends with a gap")
    func beginsAndEnds() {
        let news = InvalidationQueue(limit: 100)
        let inbox = InvalidationInbox(sender: 1, news: news)
        inbox.begin()
        #expect(news.take() == .init(isGap: true))
        inbox.end()
        #expect(news.take() == .init(isGap: true))
    }
}
