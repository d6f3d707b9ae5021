#if Redis
import Sessions
import SessionsRedis
import Synchronization
import TestServers

/// Writes down every command that goes through it, and can stop one on its way.
final class WatchedClient: RedisConfirmingClient {
    private struct State {
        var commands: [RedisCommand] = []
        var before: [(name: String, action: @Sendable () async throws -> Void)] = []
    }

    private let client: RedisClient
    private let state = Mutex(State())

    init(_ client: RedisClient) { self.client = client }

    /// The commands since the last time, each as text.
    func take() -> [[String]] {
        let commands = state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
        return commands.map { $0.arguments.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Their names.
    func names() -> [String] { take().map { $0[0] } }

    /// Does something when the next command of a name comes, before it goes on.
    func before(_ name: String, _ action: @escaping @Sendable () async throws -> Void) {
        state.withLock { $0.before.append((name, action)) }
    }

    private func watch(_ command: RedisCommand) async throws {
        let action = state.withLock { state -> (@Sendable () async throws -> Void)? in
            state.commands.append(command)
            let index = state.before.firstIndex { Array($0.name.utf8) == command.arguments[0] }
            return index.map { state.before.remove(at: $0).action }
        }
        try await action?()
    }

    func send(_ command: RedisCommand) async throws -> RedisValue {
        try await watch(command)
        return try await client.send(command)
    }

    func send(
        _ command: RedisCommand,
        waitingFor replicas: Int,
        milliseconds: Int
    ) async throws -> (reply: RedisValue, replicas: Int) {
        try await watch(command)
        return try await client.send(command, waitingFor: replicas, milliseconds: milliseconds)
    }

    func primaries() async throws -> [any RedisCommandClient] { try await client.primaries() }
}

/// Many clients that write, each its own session, while something happens to the servers.
///
/// What was answered goes into a history, and has to be there afterwards. A write that failed is resolved as the manager
/// does it: by loading until that is answered.
final class Workload: Sendable {
    struct Result: Sendable {
        var answered = 0
        var failed = 0
        /// Answered writes that were not there afterwards.
        var lost = 0
        /// Sessions whose deletion was answered and that were there afterwards.
        var revived = 0
    }

    private struct State {
        var result = Result()
        var mark: ContinuousClock.Instant?
        /// For each worker, how many writes were answered since the mark, and when the first of them was.
        var since: [Int]
        var first: [ContinuousClock.Instant?]
        var deleted: [StoreKey] = []
        var isOver = false
        var latest: SessionStoreError?
    }

    private let state: Mutex<State>
    private let store: RedisSessionStore
    private let count: Int

    init(_ store: RedisSessionStore, clients: Int = 50) {
        self.store = store
        count = clients
        state = Mutex(State(since: Array(repeating: 0, count: clients), first: Array(repeating: nil, count: clients)))
    }

    /// Begins to count anew: what happens now is what is measured.
    func mark() {
        state.withLock { state in
            state.mark = .now
            state.since = Array(repeating: 0, count: count)
            state.first = Array(repeating: nil, count: count)
        }
    }

    /// Waits until each client has had `writes` answered since the mark.
    func everybodyWrote(_ writes: Int) async throws {
        for _ in 0..<10_000 {
            if state.withLock({ $0.since.allSatisfy { $0 >= writes } }) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        let (since, result, error) = state.withLock { ($0.since, $0.result, $0.latest) }
        throw TestServerError(
            "not every client has written \(writes) times: \(since), \(result), \(String(describing: error))"
        )
    }

    /// How long after the mark the last client had its first write answered.
    var recovery: Duration? {
        state.withLock { state in
            guard let mark = state.mark, let last = state.first.compactMap({ $0 }).max() else { return nil }
            return last - mark
        }
    }

    /// Runs the clients while `body` does, and looks at what is there afterwards.
    func run(_ body: @Sendable () async throws -> Void) async throws -> Result {
        try await withThrowingTaskGroup(of: (StoreKey, Int).self) { group in
            for worker in 0..<count { group.addTask { try await self.work(worker) } }
            do {
                try await body()
            } catch {
                state.withLock { $0.isOver = true }
                throw error
            }
            state.withLock { $0.isOver = true }
            for try await (key, number) in group {
                let found = try await patiently { try await self.store.load(key) }.map(Self.number) ?? -1
                if found != number { state.withLock { $0.result.lost += 1 } }
            }
        }
        for key in state.withLock({ $0.deleted }) where try await patiently({ try await self.store.load(key) }) != nil {
            state.withLock { $0.result.revived += 1 }
        }
        return state.withLock { $0.result }
    }

    private func work(_ worker: Int) async throws -> (StoreKey, Int) {
        let key = StoreKey.random()
        var (number, version) = (0, RecordVersion.random())
        let first = StoredRecord.sample("0", version: version)
        _ = try await patiently { try await store.insert(first, at: key) }
        while !state.withLock({ $0.isOver }) {
            // Sent again under the same version, as the manager does: it may still be on its way.
            let (next, content) = (RecordVersion.random(), "\(number + 1)")
            var isOpen = true
            while isOpen {
                do {
                    let record = StoredRecord.sample(content, version: next)
                    switch try await store.replace(record, at: key, ifVersion: version) {
                    case .replaced:
                        (number, version, isOpen) = (number + 1, next, false)
                        answered(worker)
                    case .conflict(let current?) where current.version == next:
                        (number, version, isOpen) = (number + 1, next, false)
                    case .conflict, .gone:
                        // Nobody else writes here: an answered write has been undone.
                        try await adopt(key, &number, &version)
                        isOpen = false
                    }
                    if number.isMultiple(of: 5) { try await createAndDelete() }
                } catch let error as SessionStoreError {
                    state.withLock {
                        $0.result.failed += 1
                        $0.latest = error
                    }
                    guard isOpen else { continue }
                    let found = try await patiently { try await self.store.load(key) }
                    if found?.version == next {
                        (number, version, isOpen) = (number + 1, next, false)
                    } else if found?.version != version {
                        try await adopt(key, &number, &version)
                        isOpen = false
                    }
                }
            }
        }
        return (key, number)
    }

    private func adopt(_ key: StoreKey, _ number: inout Int, _ version: inout RecordVersion) async throws {
        state.withLock { $0.result.lost += 1 }
        if let found = try await patiently({ try await self.store.load(key) }) {
            (number, version) = (Self.number(found), found.version)
        } else {
            (number, version) = (0, .random())
            let record = StoredRecord.sample("0", version: version)
            _ = try await patiently { try await self.store.insert(record, at: key) }
        }
    }

    private func createAndDelete() async throws {
        let key = StoreKey.random()
        guard try await store.insert(.sample(), at: key) else { return }
        _ = try await store.delete(key, ifVersion: nil)
        state.withLock { $0.deleted.append(key) }
    }

    private func answered(_ worker: Int) {
        state.withLock { state in
            state.result.answered += 1
            state.since[worker] += 1
            if state.mark != nil, state.first[worker] == nil { state.first[worker] = .now }
        }
    }

    private static func number(_ record: StoredRecord) -> Int {
        Int(String(decoding: record.payload, as: UTF8.self)) ?? -2
    }

    /// Asks until it is answered.
    private func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
        while true {
            do {
                return try await body()
            } catch let error as SessionStoreError {
                state.withLock { $0.latest = error }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}

extension StoreKey {
    /// A key that no other session has.
    static func random() -> StoreKey {
        StoreKey("k\(UInt64.random(in: .min ... .max))") ?? StoreKey(.random())
    }
}
#endif
