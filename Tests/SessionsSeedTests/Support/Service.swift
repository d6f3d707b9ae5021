import Crypto
import Foundation
import HTTPTypes
import Logging
import Sessions
import SessionsTesting
import Synchronization

/// How a service under test spells its sessions.
enum Format: String, Sendable, CaseIterable {
    case express, native
}

/// A service whose sessions live a minute after each use, as in express-session's own tests, on a store that fails on command.
struct Service: Sendable {
    let clock: ManualSessionClock
    let faults: StoreFaults
    let store: FaultySessionStore<MemorySessionStore>
    let sessions: SessionManager
    let events: Told<SessionEvent>

    /// - Parameters:
    ///   - shared: In place of `secrets`, in express-session's format.
    ///   - maxAge: `nil` for a cookie that ends with the browser.
    ///   - other: A service with whose store this one shares its records.
    ///   - id: What the application makes for the id of every session.
    ///   - idForRequest: What it makes of a request for the id of the session that begins there.
    init(
        _ format: Format = .express,
        secrets: [String] = ["keyboard cat"],
        shared: [ForeignSecret]? = nil,
        maxAge: Duration? = .seconds(60),
        name: String? = nil,
        beside other: Service? = nil,
        id: String? = nil,
        idForRequest: RequestID? = nil,
        _ change: (inout SessionConfiguration) -> Void = { _ in }
    ) throws {
        let clock = other?.clock ?? ManualSessionClock()
        self.clock = clock
        faults = other?.faults ?? StoreFaults()
        store = try other?.store ?? FaultySessionStore(MemorySessionStore(clock: clock), faults: faults)
        events = Told()
        var configuration = SessionConfiguration.express(name: name ?? "connect.sid", maxAge: maxAge)
        if format == .native { configuration.cookie.name = name ?? "__Host-Http-sid" }
        // Each request moves the deadline, as each of Node's does.
        configuration.renewalInterval = .zero
        change(&configuration)
        let events = events
        let generateID: (@Sendable () -> String)?
        if let id { generateID = { id } } else { generateID = nil }
        switch format {
        case .express:
            let secrets = shared ?? secrets.map { ForeignSecret($0) }
            if let idForRequest {
                sessions = try .express(
                    secrets: secrets,
                    store: store,
                    acknowledging: .keysAreCredentials,
                    configuration: configuration,
                    generateIDForRequest: idForRequest.make,
                    clock: clock,
                    logger: .quiet,
                    observer: { events.append($0) }
                )
            } else {
                sessions = try .express(
                    secrets: secrets,
                    store: store,
                    acknowledging: .keysAreCredentials,
                    configuration: configuration,
                    generateID: generateID,
                    clock: clock,
                    logger: .quiet,
                    observer: { events.append($0) }
                )
            }
        case .native:
            sessions = try SessionManager(
                store: store,
                keys: KeyRing(secrets.map { try Self.secret($0) }),
                configuration: configuration,
                clock: clock,
                logger: .quiet,
                observer: { events.append($0) }
            )
        }
    }

    /// A secret for the key ring that follows from one of express-session's.
    private static func secret(_ text: String) throws -> SessionSecret {
        try SessionSecret(encoded: Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString())
    }

    /// How many records there are.
    var count: Int { store.base.count() }

    /// The first record's payload as text.
    var json: String { String(decoding: record?.payload ?? [], as: UTF8.self) }

    /// The first record.
    var record: StoredRecord? { store.base.entries(after: nil, limit: 1).first?.record }

    /// The first record's key.
    var key: StoreKey? { store.base.entries(after: nil, limit: 1).first?.key }

    /// How often a record was written.
    var writes: Int { faults.count(of: .insert) + faults.count(of: .replace) }

    /// The name of the cookie.
    var cookieName: String { sessions.configuration.cookie.name }
}

/// How an application makes an id of a request. No closure by itself: it would be taken for the trailing one.
struct RequestID: Sendable {
    let make: @Sendable (CookieRequest) -> String
}

/// Collects what is told to it.
final class Told<Element: Sendable>: Sendable {
    private let state = Mutex<[Element]>([])

    var all: [Element] { state.withLock { $0 } }

    func append(_ element: Element) { state.withLock { $0.append(element) } }
}

extension Logger {
    /// One that logs nothing.
    static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
}

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
    static var other: Self { Self("other", default: 0) }
}

extension SessionKey<String?> {
    static var name: Self { Self("name") }
    static var notice: Self { Self("notice") }
}
