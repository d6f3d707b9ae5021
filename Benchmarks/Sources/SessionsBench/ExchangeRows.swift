import Crypto
import HTTPTypes
import Sessions
import Synchronization

/// What one request costs in the core, on the memory store.
struct ExchangeRows {
    let rounds: Int

    func measure() async throws -> [Row] {
        let paths = try await ExchangePaths()
        let contestants = ExchangePaths.Name.allCases.map { name in
            Contest.Contestant(name.rawValue) { try await paths.run(name, $0) }
        }
        let all = try await Contest(rounds: rounds).times(contestants)
        let times = Dictionary(uniqueKeysWithValues: zip(ExchangePaths.Name.allCases, all))
        func time(_ name: ExchangePaths.Name) -> Double { times[name]?.median ?? .nan }
        func detail(_ name: ExchangePaths.Name) -> String { "\(name) \(times[name]?.summary ?? "")" }
        return [
            Row(
                name: "Open, load from memory, commit, unchanged: to its floor",
                value: time(.unchanged) / time(.floor),
                target: .atMost(2.5),
                detail: "\(detail(.unchanged)), \(detail(.floor))"
            ),
            Row(
                name: "The same with one integer changed: to unchanged",
                value: time(.changed) / time(.unchanged),
                target: .atMost(2),
                detail: detail(.changed)
            ),
            Row(
                name: "Never asked for, cookie sent: to unchanged",
                value: time(.untouched) / time(.unchanged),
                target: .atMost(0.1),
                detail: detail(.untouched)
            ),
        ]
    }
}

extension SessionConfiguration {
    /// The default, without a word about sessions that end with the process.
    static var bench: SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.sessionsMayEndWithProcess = true
        return configuration
    }
}

extension SessionKey<Int> {
    static var counter: Self { Self("counter", default: 0) }
}

extension SessionKey<[String]> {
    static var cart: Self { Self("cart", default: []) }
}

extension SessionKey<String> {
    static var theme: Self { Self("theme", default: "light") }
}

/// The paths of a request through the core, and the floor that they stand on.
struct ExchangePaths: Sendable {
    enum Name: String, CaseIterable, Sendable {
        /// The least that a server has to do that checks a signed cookie and keeps a hash of its secret.
        case floor
        /// Opened and committed, and nobody asked for the session.
        case untouched
        /// Opened, loaded, one value read, committed.
        case unchanged
        /// Opened, loaded, one integer updated, committed.
        case changed
    }

    private let sessions: SessionManager
    private let fields: HTTPFields
    private let floor = Floor()

    init() async throws {
        sessions = try SessionManager(store: MemorySessionStore(), keys: .ephemeral(), configuration: .bench)
        let exchange = sessions.open(HTTPFields())
        let session = try await exchange.session
        session.set(.cart, to: ["9780262510875", "9780131103627"])
        session.set(.theme, to: "dark")
        session.set(.counter, to: 1)
        // As a browser sends it: among others.
        fields = [.cookie: "consent=1; \(try await exchange.commit().cookie); _lang=en"]
    }

    func run(_ name: Name, _ count: Int) async throws {
        switch name {
        case .floor:
            for _ in 0..<count { floor.run() }
        case .untouched:
            for _ in 0..<count { _ = try await sessions.open(fields).commit() }
        case .unchanged:
            for _ in 0..<count {
                let exchange = sessions.open(fields)
                let session = try await exchange.session
                guard session[.counter] > 0 else { throw BenchmarkError("the session was not found") }
                _ = try await exchange.commit()
            }
        case .changed:
            for _ in 0..<count {
                let exchange = sessions.open(fields)
                let session = try await exchange.session
                session.update(.counter) { $0 += 1 }
                _ = try await exchange.commit()
            }
        }
    }
}

extension SessionFields {
    /// Name and value of the cookie that they set, as a browser sends it back; empty if they set none.
    var cookie: String {
        var fields = HTTPFields()
        apply(to: &fields)
        return fields[.setCookie].map { String($0.prefix { $0 != ";" }) } ?? ""
    }
}

/// A measurement that did not measure what it was to.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// One update of a copied, keyed HMAC-SHA-256, one SHA-256, one locked dictionary read.
final class Floor: Sendable {
    private let authenticator = HMAC<SHA256>(key: SymmetricKey(size: .bits256))
    private let message = [UInt8](repeating: 7, count: 52)
    private let secret = [UInt8](repeating: 9, count: 32)
    private let records = Mutex<[String: [UInt8]]>([:])
    private let key = "n4bQgYhMfWWaL-qgxVrQFa"

    init() {
        records.withLock { records in
            for number in 0..<1000 { records["key-\(number)"] = message }
            records[key] = message
        }
    }

    @inline(never)
    func run() {
        var keyed = authenticator
        keyed.update(data: message)
        let code = keyed.finalize()
        let hash = SHA256.hash(data: secret)
        let record = records.withLock { $0[key] }
        precondition(code.byteCount == SHA256.byteCount && hash != record?.first.map { [$0] })
    }
}

extension SHA256.Digest {
    fileprivate static func != (digest: Self, bytes: [UInt8]?) -> Bool {
        digest.withUnsafeBytes { digest in bytes.map { !digest.elementsEqual($0) } ?? true }
    }
}
