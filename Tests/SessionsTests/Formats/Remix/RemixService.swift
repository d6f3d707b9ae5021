import Foundation
import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// A manager in Remix's format on one of Remix's storages, used as its documentation does: a cookie's value in, a cookie's
/// value out.
struct RemixService {
    /// Remix's storages, but for those of a server.
    enum Storage: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case memory, files, cookie

        var testDescription: String { rawValue }
        /// Those where the cookie holds an id.
        static let keepers: [Storage] = [.memory, .files]
    }

    static let inCookies: MissingGuarantees = [
        .concurrentChangesAreLost, .earlierStatesComeBack, .nothingIsConsumedOnce, .logoutReachesOneClient,
        .valuesAreReadable, .deadlinesAreUnknown,
    ]
    static let secret: ForeignSecret = "s3cr3t"
    static let id = "6f1c3a52-8a3c-4d1e-9f66-0c1b2a3d4e5f"

    let clock = ManualSessionClock()
    let memory: MemorySessionStore
    let scratch: FileScratch
    let sessions: SessionManager

    init(
        _ storage: Storage = .memory,
        secrets: [ForeignSecret] = [secret],
        configure: (inout SessionConfiguration) -> Void = { _ in },
        generateID: (@Sendable () -> String)? = nil
    ) throws {
        var configuration = SessionConfiguration.remix()
        configure(&configuration)
        memory = try MemorySessionStore(clock: clock)
        scratch = try FileScratch()
        // A file's deadline goes by the system's clock.
        clock.set(SystemSessionClock().now())
        switch storage {
        case .memory:
            sessions = try .remix(
                secrets: secrets,
                store: memory,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                generateID: generateID,
                clock: clock,
                logger: .silent
            )
        case .files:
            sessions = try .remix(
                secrets: secrets,
                store: RemixFileStore(directory: scratch.directory),
                acknowledging: [.concurrentChangesAreLost, .endedSessionsComeBack],
                configuration: configuration,
                generateID: generateID,
                clock: clock,
                logger: .silent
            )
        case .cookie:
            sessions = try .remixCookies(
                secrets: secrets,
                acknowledging: Self.inCookies,
                configuration: configuration,
                generateID: generateID,
                clock: clock,
                logger: .silent
            )
        }
    }

    /// One request: what the handler returns, and Remix's answer: `nil` for no Set-Cookie, empty for a destroyed session.
    @discardableResult
    func request<Result>(
        _ cookie: String?,
        _ handler: (Session) async throws -> Result
    ) async throws -> (result: Result, cookie: String?) {
        let exchange = sessions.open(cookieValue: cookie)
        let result = try await handler(exchange.session)
        return (result, try await exchange.commit().cookieValue)
    }

    /// The text that a cookie's value carries, if it is signed.
    func text(in cookie: String?, under secret: String = "s3cr3t") throws -> String {
        let value = try #require(cookie)
        return try #require(RemixSigner.text(in: value, under: secret))
    }

    /// Has Remix write a session to the memory storage; returns its cookie.
    func remixWrites(_ json: String, id: String = id, days: Int? = nil) throws -> String {
        let key = try #require(StoreKey(foreignID: id))
        let record = StoredRecord(
            foreign: Array(json.utf8),
            until: days.map { clock.now() + .seconds($0 * 86_400) }
        )
        _ = memory.delete(key, ifVersion: nil)
        #expect(try memory.insert(record, at: key))
        return RemixSigner.value(of: id)
    }

    /// What the memory storage holds, as Remix would read it.
    var json: String {
        String(decoding: memory.entries(after: nil, limit: 1).first?.record.payload ?? [], as: UTF8.self)
    }
}
