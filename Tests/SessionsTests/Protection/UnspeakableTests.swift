import HTTPTypes
import Logging
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

@Suite("I9 unspeakable")
struct UnspeakableTests {
    @Test(
        "I9: no credential, secret or key in any log line, error, event, report, description or record (LG-01, LG-02)"
    )
    func nothingSpeaks() async throws {
        let lines = Lines()
        let secret = SessionSecret.generate()
        let clock = ManualSessionClock()
        let store = try MemorySessionStore(clock: clock)
        let faults = StoreFaults()
        let sessions = try SessionManager(
            store: FaultySessionStore(store, faults: faults),
            keys: KeyRing([secret]),
            clock: clock,
            logger: Logger(label: "test") { _ in LineLog(lines: lines) },
            observer: { lines.append("\($0)") }
        )
        let browser = SessionBrowser(clock: clock)
        var credentials: Set<String> = []
        func step(_ body: (Session) async throws -> Void) async {
            let exchange = sessions.open(browser.request())
            do {
                let session = try await exchange.session
                try await body(session)
                var response = HTTPResponse(status: .ok)
                let fields = try await exchange.commit()
                lines.append(String(reflecting: session.handle) + session.id)
                fields.apply(to: &response)
                browser.receive(response)
            } catch {
                lines.append(String(reflecting: error) + "\(error)")
            }
            lines.append("\(exchange.report)")
            credentials.formUnion(browser.cookies.values)
        }
        await step { $0.set(.visits, to: 1) }
        let old = browser.copy()
        await step { $0.logIn("ada") }
        await step { $0.rotate(grace: .seconds(30)) }
        _ = try? await old.visit(sessions) { $0.set(.visits, to: 2) }
        faults.failBefore(.replace, next: 20)
        await step { $0.set(.visits, to: 3) }
        faults.clear()
        faults.failBefore(.delete, next: 2)
        await step { $0.destroy() }
        browser.plant("__Host-Http-sid", (credentials.first ?? "") + "x")
        await step { _ in }
        await step { $0.flash(.notice, "x") }
        for entry in store.entries(after: nil, limit: 10) {
            lines.append(String(decoding: entry.record.payload, as: UTF8.self))
        }
        let held = HeldCredential(handle: .random(), secret: .random(), hash: CredentialSecret.random().hash)
        var described = "\(held.secret)\(secret)\(sessions.configuration)"
        dump(held.secret, to: &described)
        dump(secret, to: &described)
        dump(try KeyRing([secret]), to: &described)
        lines.append(described)

        #expect(credentials.count >= 4)
        let spoken = lines.text
        #expect(!spoken.contains(secret.encoded()))
        for credential in credentials {
            // The secret half: bytes 20 to 52, characters 28 to 68. Any piece of eight would be too much.
            let characters = Array(credential).prefix(68).dropFirst(28)
            for start in characters.indices.dropLast(8) {
                let piece = String(characters[start..<start + 8])
                if spoken.contains(piece) { Issue.record("a piece of a credential was spoken") }
            }
        }
    }
}

/// Everything that was said.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    var text: String { lines.withLock { $0.joined(separator: "\n") } }
}

/// A log handler that keeps every line at every level.
private struct LineLog: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(lines: Lines) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
    }
}
