import Foundation
import Logging
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

/// Random histories of many clients on several nodes, while one fault strikes after another.
struct HistoryRun {
    /// What `make soak STORE=…` may say.
    static let stores = [
        "file", "sqlite", "redis", "redis-sentinel", "redis-cluster", "postgres", "mongo", "mongo-replica-set",
    ]

    private let store: String
    private let nodes: [WatchedNode]
    private let faults: [HistoryFault]
    private let isConfirmed: Bool
    private let secrets = Secrets()

    /// - Parameter isConfirmed: Whether replicas confirm writes, so that the rules hold over what was answered.
    init(_ store: String, _ nodes: [any HistoryNode], _ faults: [HistoryFault], isConfirmed: Bool = false) {
        self.isConfirmed = isConfirmed
        self.store = store
        self.nodes = nodes.map(WatchedNode.init)
        self.faults = faults
    }

    /// Whether this store's histories are to be run: each is, but while one alone is soaked.
    static func isWanted(_ store: String) -> Bool { soak == nil || soak?.store == store }

    /// `SESSIONS_SOAK_STORE` for `SESSIONS_SOAK_SECONDS`.
    static var soak: (store: String, duration: Duration)? {
        let environment = ProcessInfo.processInfo.environment
        guard let seconds = environment["SESSIONS_SOAK_SECONDS"].flatMap(Double.init) else { return nil }
        return (environment["SESSIONS_SOAK_STORE"] ?? "", .seconds(seconds))
    }

    /// What a test may take: one history takes a minute or two, and a soak as long as was asked for and one history more.
    static var minutes: Int { 20 + Int((soak?.duration ?? .zero) / .seconds(60)) }

    private static var seed: UInt64 {
        ProcessInfo.processInfo.environment["SESSIONS_SOAK_SEED"].flatMap(UInt64.init) ?? 1
    }

    /// Without a soak, one history in which each fault strikes once. Otherwise a history for each in turn, in which it
    /// strikes three times, for as long as was asked for.
    func check() async throws {
        guard let soak = Self.soak else { return try await history(Self.seed, faults) }
        let end = ContinuousClock.now + soak.duration
        var round = 0
        while ContinuousClock.now < end {
            let fault = faults[round % faults.count]
            try await history(Self.seed &+ UInt64(round), [fault, fault, fault])
            round += 1
        }
    }

    /// Fails if what the store keeps holds a piece of a credential that a client got (I9, ID-04).
    ///
    /// - Parameter dump: Everything that it keeps, in the clear.
    func expectNoCredential(in dump: [UInt8], _ location: SourceLocation = #_sourceLocation) {
        let search = secrets.search.withLock { $0 }
        #expect(secrets.count > 0, sourceLocation: location)
        // It is the dump of these sessions.
        let text = String(decoding: dump, as: UTF8.self)
        #expect(text.contains("history"), sourceLocation: location)
        #expect(search.piece(in: dump) == nil, sourceLocation: location)
        print("\(store): no piece of \(secrets.count) credentials in a dump of \(dump.count) bytes")
    }

    private func history(_ seed: UInt64, _ faults: [HistoryFault]) async throws {
        let (isOver, nodes) = (Flag(), nodes)
        let (began, before) = (ContinuousClock.now, served)
        async let running = HistoryWorkload(seed: seed, clients: 24).run(on: nodes) { !isOver.isRaised }
        let failure: (any Error)?
        do {
            try await everyNodeServes(after: "the beginning")
            for fault in faults {
                let began = ContinuousClock.now
                try await fault.strike()
                let ended = ContinuousClock.now
                try await everyNodeServes(after: fault.name, restart: fault.restart)
                let (struck, recovered) = (ended - began, ContinuousClock.now - ended)
                print("\(store), \(fault.name): \(struck), and every node serves again after \(recovered)")
            }
            while served - before < 2000, ContinuousClock.now - began < .seconds(300) {
                try await Task.sleep(for: .milliseconds(10))
            }
            failure = nil
        } catch {
            failure = error
        }
        isOver.raise()
        let history = await running
        secrets.add(history)
        let violations = history.violations(overConfirmed: isConfirmed)
        for violation in violations.prefix(3) { Issue.record("\(violation)") }
        #expect(violations.count == 0, "seed \(seed)")
        let outcomes = Dictionary(grouping: history.events, by: \.response.outcome).mapValues(\.count)
        print(
            "\(store), seed \(seed): \(history.events.count) requests in \(ContinuousClock.now - began): "
                + "\(outcomes[.done] ?? 0) done, \(outcomes[.refused] ?? 0) refused, \(outcomes[.unknown] ?? 0) unknown"
        )
        if let failure { throw failure }
        #expect(served - before >= 2000)
    }

    private var served: Int { nodes.map(\.served).reduce(0, +) }

    /// Nobody starts a node again: nodes recover by themselves.
    private func everyNodeServes(after what: String, restart: () async throws -> Void = {}) async throws {
        let goals = nodes.map { $0.served + 10 }
        let end = ContinuousClock.now + .seconds(120)
        while !zip(nodes, goals).allSatisfy({ $0.served >= $1 }) {
            guard ContinuousClock.now < end else {
                let counts = zip(nodes, goals).map { "\(10 - ($1 - $0.served))" }.joined(separator: ", ")
                throw TestServerError("\(store): after \(what) not every node serves again: \(counts) requests done")
            }
            try await restart()
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// Counts what a node has done, and lets those wait a moment who were refused, as clients do.
private final class WatchedNode: HistoryNode {
    private let node: any HistoryNode
    private let count = Atomic(0)

    init(_ node: any HistoryNode) { self.node = node }

    var served: Int { count.load(ordering: .relaxed) }

    func serve(_ request: HistoryRequest) async -> HistoryResponse {
        let response = await node.serve(request)
        if response.outcome == .done {
            count.wrappingAdd(1, ordering: .relaxed)
        } else {
            try? await Task.sleep(for: .milliseconds(.random(in: 2...15)))
        }
        return response
    }
}

/// Some of the credentials that clients got, the latest ones of each history among them.
private final class Secrets: Sendable {
    let search = Mutex(SecretSearch())
    private let number = Atomic(0)

    var count: Int { number.load(ordering: .relaxed) }

    func add(_ history: SessionHistory) {
        let cookies = history.events.sorted { $0.began < $1.began }.flatMap(\.response.setCookies)
        let values = cookies.compactMap { $0.split(separator: ";").first?.split(separator: "=").dropFirst().first }
        for value in values.filter({ $0.utf8.count == 112 }).suffix(count < 1000 ? 200 : 0) {
            search.withLock { $0.add(credential: String(value)) }
            number.wrappingAdd(1, ordering: .relaxed)
        }
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isRaised: Bool { value.load(ordering: .relaxed) }
    func raise() { value.store(true, ordering: .relaxed) }
}

/// What `open` makes.
///
/// A store's deadlines are short here for what comes later; on a busy machine it may miss them at first.
func opened<Store>(_ open: () async throws -> Store) async throws -> Store {
    let end = ContinuousClock.now + .seconds(60)
    while true {
        do {
            return try await open()
        } catch let error as SessionStoreError where error.code == .unavailable || error.code == .timedOut {
            guard ContinuousClock.now < end else { throw error }
        }
    }
}

/// The key ring of all nodes of a history, in this process and in others.
struct HistoryKeys {
    let secret: String
    let ring: KeyRing

    init() throws {
        secret = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        ring = try KeyRing([SessionSecret(encoded: secret)])
    }

    /// A node in this process.
    func node(_ store: any SessionStore, clock: SteppedClock = SteppedClock()) throws -> SteppedNode {
        let sessions = try SessionManager(
            store: store,
            keys: ring,
            configuration: LocalHistoryNode.configuration,
            clock: clock,
            // What happens is in the history.
            logger: Logger(label: "history") { _ in SwiftLogNoOpLogHandler() }
        )
        return SteppedNode(node: LocalHistoryNode(sessions, clock: clock), clock: clock)
    }

    /// A node in a process of its own, started.
    func process(_ store: String, _ directory: ServerDirectory) async throws -> ProcessNode {
        let node = try ProcessNode(store: store, secret: secret, directory: directory)
        try await node.start()
        return node
    }
}
