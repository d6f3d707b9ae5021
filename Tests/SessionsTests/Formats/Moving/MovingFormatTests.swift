import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// A system that is nobody's: its cookie is an id, and its record another spelling of ours.
private struct PlainFormat: ForeignFormat {
    var name: String { "plain" }
    var secrets: [ForeignSecret] { ["plain"] }

    func missing(with store: any SessionStore) -> MissingGuarantees { .keysAreCredentials }

    func wireFormat(
        _ cookie: SetCookieTemplate,
        _ configuration: SessionConfiguration,
        _ clock: any SessionClock
    ) -> any WireFormat {
        PlainWireFormat(cookie: cookie)
    }
}

private struct PlainWireFormat: WireFormat {
    var cookie: SetCookieTemplate

    var movesOnRotation: Bool { true }

    func presentation(in fields: HTTPFields) -> Presentation {
        Presentation(fields, name: cookie.name) { value in
            guard let id = String(validating: value, as: UTF8.self), id.hasPrefix("plain-"),
                let key = StoreKey(foreignID: id)
            else { return .refused(.malformed) }
            return .genuine(HeldCredential(foreignID: id, key: key))
        }
    }

    func handle(of key: StoreKey) -> SessionHandle? {
        key.foreignID.map { HeldCredential(foreignID: $0, key: key).handle }
    }

    func freshCredential() -> HeldCredential { .random() }

    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie] { [] }

    func expiredCookies() -> [NamedCookie] { [NamedCookie(name: cookie.name, field: cookie.expired())] }

    func with(_ cookie: SetCookieTemplate) -> any WireFormat { PlainWireFormat(cookie: cookie) }

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        guard stored.payload.first == UInt8(ascii: "~") else { return nil }
        return NativeRecordFormat().decode(Array(stored.payload.dropFirst()))
            .map { LoadedRecord(key: key, stored: stored, content: $0) }
    }

    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        var record = record
        record.stored.payload = [UInt8(ascii: "~")] + NativeRecordFormat().encode(record.content)
        record.stored.version = RecordVersion(of: record.stored.payload)
        return record
    }
}

@Suite("Moving from any other format")
struct MovingFormatTests {
    @Test("nothing that moves a session knows which format it comes from")
    func any() async throws {
        let clock = ManualSessionClock()
        let (old, new) = (try MemorySessionStore(clock: clock), try MemorySessionStore(clock: clock))
        var configuration = SessionConfiguration()
        configuration.cookie.name = "plain"
        let sessions = try SessionManager(
            store: new,
            keys: .ephemeral(),
            movingFrom: OldSessions(
                PlainFormat(),
                store: old,
                acknowledging: .keysAreCredentials,
                configuration: configuration,
                owner: nil
            ),
            clock: clock,
            logger: .silent
        )
        let key = try #require(StoreKey(foreignID: "plain-1"))
        let held = HeldCredential(foreignID: "plain-1", key: key)
        var values = SessionValues()
        try values.set(ValueName("visits"), to: 3)
        let content = RecordContent(
            secretHash: held.hash,
            createdAt: clock.now(),
            rotatedAt: clock.now(),
            recent: [],
            csrfNonce: .random(),
            values: values,
            flash: [],
            unknown: []
        )
        let stored = StoredRecord(
            payload: [],
            version: .random(),
            idleDeadline: clock.now() + .seconds(600),
            absoluteDeadline: clock.now() + .seconds(6000)
        )
        let record = try PlainWireFormat(cookie: configuration.cookie.template(isSecure: true))
            .encode(LoadedRecord(key: key, stored: stored, content: content))
        #expect(try old.insert(record.stored, at: key))

        let (browser, other) = (SessionBrowser(clock: clock), SessionBrowser(clock: clock))
        for client in [browser, other] { client.plant("plain", "plain-1") }
        for client in [browser, other, browser] {
            try await client.visit(sessions) { session in session.update(.visits) { $0 += 1 } }
        }
        #expect(try await other.visit(sessions) { $0[.visits] } == 6)
        #expect(new.count() == 1)
        #expect(browser.cookies["plain"] == nil && browser.cookies == other.cookies)
        try await browser.visit(sessions) { $0.logOut() }
        other.plant("plain", "plain-1")
        #expect(try await other.visit(sessions) { $0[.visits] } == 0)
    }
}
