import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import Synchronization

/// What the server under test stands on: a store that fails on command, and a record of what the session layer tells.
struct AdapterRig: Sendable {
    let clock = ManualSessionClock()
    let faults = StoreFaults()
    let told = Told()
    let store: FaultySessionStore<MemorySessionStore>
    let sessions: SessionManager
    let admins: SessionManager
    /// As the subject has it.
    var answersErrors = true

    init() throws {
        store = FaultySessionStore(try MemorySessionStore(clock: clock), faults: faults)
        let keys = try KeyRing([SessionSecret.generate()])
        sessions = try Self.manager(store, keys, clock, told)
        admins = try Self.manager(store, keys, clock, told, cookie: "__Host-Http-admin")
    }

    private static func manager(
        _ store: any SessionStore,
        _ keys: KeyRing,
        _ clock: ManualSessionClock,
        _ told: Told,
        cookie name: String? = nil
    ) throws -> SessionManager {
        var configuration = SessionConfiguration()
        if let name { configuration.cookie.name = name }
        return try SessionManager(
            store: store,
            keys: keys,
            configuration: configuration,
            clock: clock,
            logger: Logger(label: "sessions") { _ in TellingLogHandler(told: told) },
            observer: { event in told.add("\(event.kind)") }
        )
    }

    var recordCount: Int { store.base.count() }

    /// Runs `body` against a server of the subject.
    func run(_ subject: some AdapterSubject, _ body: @Sendable (WireVisitor) async throws -> Void) async throws {
        let told = told
        let origins = try OriginPolicy(origins: ["https://app.example"])
        try await subject.serve(
            SessionManagers(sessions, admins),
            origins,
            AdapterRoutes(admins: admins, csrf: CSRFPolicy(origins)),
            report: { told.add("report: \($0)") },
            { port in try await body(WireVisitor(port)) }
        )
    }
}

/// What the session layer told.
final class Told: Sendable {
    private struct Waiter {
        let text: String
        let count: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var lines: [String] = []
        var waiters: [Int: Waiter] = [:]
        var lastID = 0

        func has(_ count: Int, linesWith text: String) -> Bool { lines.count { $0.contains(text) } >= count }
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }

    func contains(_ text: String) -> Bool { lines.contains { $0.contains(text) } }

    func add(_ line: String) {
        let ready = state.withLock { state in
            state.lines.append(line)
            let lines = state
            let ready = state.waiters.filter { lines.has($0.value.count, linesWith: $0.value.text) }
            for id in ready.keys { state.waiters[id] = nil }
            return ready.values.map(\.continuation)
        }
        for continuation in ready { continuation.resume() }
    }

    /// Suspends until `count` lines with `text` are told, or the task is cancelled, as a time limit does.
    func wait(for text: String, count: Int = 1) async {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if Task.isCancelled || state.has(count, linesWith: text) { return true }
                    state.waiters[id] = Waiter(text: text, count: count, continuation: continuation)
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}

private struct TellingLogHandler: LogHandler {
    let told: Told
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        told.add("\(event.level): \(event.message) \(metadata.merging(event.metadata ?? [:]) { $1 })")
    }
}
