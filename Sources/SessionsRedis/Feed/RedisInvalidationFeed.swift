#if Redis
public import Sessions
import SessionsRedisCodec
import Synchronization

/// Tells other nodes of changes by way of Redis or Valkey: `PUBLISH` and `SUBSCRIBE` on one channel.
///
/// ```swift
/// let client = try RedisClient(url: "redis://localhost:6379")
/// let store = try TieredSessionStore(RedisSessionStore(client: client), feed: RedisInvalidationFeed(client: client))
/// ```
///
/// It listens on a connection of its own, to the one server, the primary that Sentinel names, or the node of a cluster that
/// the channel's name leads to, and sends over the client's. What changes while a message is under way goes out together in
/// the next one. The store may be another than Redis.
///
/// Redis keeps no message for anybody, so the feed finds out by itself what was lost. Messages are numbered: a node that
/// misses one knows with the next, and each node sends one every ``Configuration/heartbeat`` at least. A node that does not
/// hear its own for three times as long takes its connection for dead and connects again. What it cannot know of otherwise
/// is told as a `gap`.
///
/// Messages hold digests of keys (see `KeyDigest`). One feed serves one tier: it leaves out what it sent itself.
public final class RedisInvalidationFeed: InvalidationFeed {
    private let client: RedisClient
    private let configuration: Configuration
    private let channel: [UInt8]
    private let sender = UInt64.random(in: .min ... .max)
    private let number = Atomic<UInt64>(0)
    private let outgoing: InvalidationQueue
    private let incoming: InvalidationQueue
    private let inbox: InvalidationInbox
    private let isListening = Atomic(false)

    /// Creates a feed on `client`. It connects when it begins to listen.
    ///
    /// - Throws: `SessionConfigurationError` with code `store` for a setting that makes no sense.
    public init(client: RedisClient, configuration: Configuration = Configuration()) throws {
        try configuration.validate()
        self.client = client
        self.configuration = configuration
        channel = Array(configuration.channel.utf8)
        outgoing = InvalidationQueue(limit: configuration.bufferLimit)
        incoming = InvalidationQueue(limit: configuration.bufferLimit)
        inbox = InvalidationInbox(sender: sender, news: incoming)
    }

    /// Tells the other nodes, with the next message.
    public func send(_ news: Invalidation) { outgoing.add(news) }

    /// Calls `handler` with what other nodes send, until the task is cancelled.
    ///
    /// - Throws: `CancellationError`; `SessionConfigurationError` with code `store` if it listens already;
    ///   `SessionStoreError` if the first attempt finds that it cannot ever listen: `notPermitted` or `unusable`.
    public func listen(_ handler: @escaping @Sendable (Invalidation) -> Void) async throws {
        guard !isListening.exchange(true, ordering: .acquiringAndReleasing) else {
            throw SessionConfigurationError(
                .store,
                "A feed serves one tier: what it sent itself it does not tell. Give each TieredSessionStore a feed of its own."
            )
        }
        defer { isListening.store(false, ordering: .releasing) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.incoming.deliver(to: handler) }
            group.addTask { await self.publishAll() }
            group.addTask { try await self.subscribeAgainAndAgain() }
            defer { group.cancelAll() }
            try await group.next()
        }
        throw CancellationError()
    }

    // MARK: Listening

    private func subscribeAgainAndAgain() async throws {
        var failures = 0
        var hasListened = false
        while true {
            do {
                try await subscribe {
                    failures = 0
                    hasListened = true
                }
            } catch let error as SessionStoreError where !error.mayPass && !hasListened {
                throw error
            } catch {
                // Whatever it was, the next attempt shows whether it passes.
            }
            failures += 1
            try await Task.sleep(for: client.backoff.pause(after: failures))
        }
    }

    /// Listens on one connection, until that ends or is taken for dead.
    private func subscribe(_ began: () -> Void) async throws {
        let connection = try await client.connection(for: channel)
        defer { connection.close() }
        let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let subscriber = RedisConnection.Subscriber { [inbox] message in
            inbox.receive(message)
        } ended: {
            end.finish()
        }
        do {
            try await connection.subscribe(to: channel, before: .now + client.connectDeadline, subscriber)
        } catch let failure as ConnectionFailure {
            throw failure.error
        }
        inbox.begin()
        defer { inbox.end() }
        began()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in ends {} }
            group.addTask {
                // It ends when it has not heard itself for too long, or is cancelled.
                while ContinuousClock.now - self.inbox.heardSelf < self.configuration.heartbeat * 3 {
                    guard (try? await Task.sleep(for: self.configuration.heartbeat / 2)) != nil else { return }
                }
            }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: Sending

    /// Sends what is to be told, one message at a time, so that they come in their order.
    private func publishAll() async {
        let (signals, signal) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingNewest(1))
        outgoing.onNews { signal.yield(false) }
        defer { outgoing.onNews(nil) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: self.configuration.heartbeat)) != nil { signal.yield(true) }
            }
            var failures = 0
            for await isHeartbeat in signals {
                var batch = outgoing.take(InvalidationMessage.limit)
                guard isHeartbeat || !batch.isEmpty else { continue }
                repeat {
                    guard await publish(batch) else {
                        failures += 1
                        try? await Task.sleep(for: client.backoff.pause(after: failures))
                        outgoing.giveBack(batch)
                        break
                    }
                    failures = 0
                    batch = outgoing.take(InvalidationMessage.limit)
                } while !batch.isEmpty
            }
            group.cancelAll()
        }
    }

    private func publish(_ batch: InvalidationQueue.Batch) async -> Bool {
        // A number is used once: a message that may have been lost is missed by whoever did not hear it.
        let number = number.add(1, ordering: .relaxed).newValue
        let message = InvalidationMessage(sender: sender, number: number, batch: batch)
        let command = RedisCommand([Self.publish, channel, Array(message.text.utf8)], key: channel)
        guard let answer = try? await client.send(command), case .integer = answer else { return false }
        return true
    }

    private static let publish = Array("PUBLISH".utf8)
}
#endif
