#if Postgres
import CLibPQ
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where the server is and how to connect to it, as libpq reads it: a URI or a list of `keyword=value`.
///
/// The text may hold a password, and libpq quotes pieces of a text that it does not understand: neither gets into an error.
struct PostgresConnectionInfo: Sendable {
    let text: String
    private let connectSeconds: Int
    /// How long data may be under way without a sign of life, in milliseconds.
    private let silence: Int64

    /// Reads `text`, and refuses what would not be safe (checklist ST-10).
    init(_ text: String, configuration: PostgresSessionStore.Configuration) throws {
        self.text = text
        connectSeconds = max(2, Int((configuration.connectDeadline.wholeMicroseconds + 999_999) / 1_000_000))
        // A machine that is gone tells nobody; calls that wait for it are over by then, and others want its connections.
        silence = max(2_000, configuration.deadline.wholeMicroseconds / 500)
        try Self.checkPassword(in: text)
        let settings = try Self.settings(in: text)
        try Self.check(settings, configuration.serverVerification)
    }

    /// Whether a service file decides something, so that ``checkService(_:)`` has to look at that too.
    private var namesService: Bool {
        (try? Self.settings(in: text))?["service"] != nil
    }

    /// Looks at what a service file says. It begins to connect, and ends that before anything is sent.
    func checkService(_ verification: PostgresSessionStore.Configuration.ServerVerification) throws {
        guard namesService else { return }
        guard let connection = start() else { return }
        defer { PQfinish(connection) }
        guard let options = PQconninfo(connection) else { return }
        defer { PQconninfoFree(options) }
        try Self.check(Self.values(of: options), verification)
    }

    private func start() -> OpaquePointer? {
        withKeywords { PQconnectStartParams($0, $1, 1) }
    }

    /// Connects, and blocks until that has succeeded or failed.
    func connect() -> OpaquePointer? {
        withKeywords { PQconnectdbParams($0, $1, 1) }
    }

    /// What the text leaves open is decided before it, and what must be so after it.
    private func withKeywords<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<UnsafePointer<CChar>?>?) -> Result
    ) -> Result {
        let keywords: [(String, String)] = [
            ("fallback_application_name", "swift-sessions"),
            // A standby shows what was true a moment ago, and cannot write.
            ("target_session_attrs", "primary"),
            ("keepalives_idle", "5"),
            ("keepalives_interval", "2"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "\(silence)"),
            ("dbname", text),
            ("connect_timeout", "\(connectSeconds)"),
            ("client_encoding", "UTF8"),
        ]
        let names = keywords.map { strdup($0.0) }
        let values = keywords.map { strdup($0.1) }
        defer { for text in names + values { free(text) } }
        func pointers(_ texts: [UnsafeMutablePointer<CChar>?]) -> [UnsafePointer<CChar>?] {
            texts.map { $0.map { UnsafePointer($0) } } + [nil]
        }
        return pointers(names).withUnsafeBufferPointer { names in
            pointers(values).withUnsafeBufferPointer { values in
                body(names.baseAddress, values.baseAddress)
            }
        }
    }

    // MARK: Checking

    /// What `text` says, and what libpq takes from the environment where it says nothing.
    private static func settings(in text: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(text, &message) else {
            PQfreemem(message)
            throw SessionConfigurationError(
                .store,
                "The connection string is neither a URI (postgresql://user@host/database) nor a list of keyword=value "
                    + "that libpq understands. Correct it; characters such as @, : and / in a password of a URI are "
                    + "written as %40, %3A and %2F."
            )
        }
        defer { PQconninfoFree(parsed) }
        var settings: [String: String] = [:]
        if let defaults = PQconndefaults() {
            defer { PQconninfoFree(defaults) }
            settings = values(of: defaults)
        }
        let stated = values(of: parsed)
        // libpq does the same.
        if stated["sslmode"] == nil, stated["sslrootcert"] == "system" { settings["sslmode"] = "verify-full" }
        // Where the text leaves it open, it is decided here and not by the environment.
        settings["target_session_attrs"] = nil
        return settings.merging(stated) { $1 }
    }

    private static func values(of options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val, value.pointee != 0 {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return values
    }

    private static func check(
        _ settings: [String: String],
        _ verification: PostgresSessionStore.Configuration.ServerVerification
    ) throws {
        try checkPlaces(settings)
        let role = settings["target_session_attrs"] ?? "primary"
        guard ["read-write", "primary"].contains(role) else {
            throw SessionConfigurationError(
                .store,
                "target_session_attrs=\(role) may lead to a standby, which shows sessions that are over and takes no "
                    + "write. Leave it out, or set it to read-write or primary."
            )
        }
        guard verification == .required, leavesTheMachine(settings) else { return }
        let mode = settings["sslmode"] ?? "prefer"
        if mode == "verify-full" { return }
        if mode == "verify-ca", let authority = settings["sslrootcert"], authority != "system" { return }
        throw SessionConfigurationError(
            .store,
            "With sslmode=\(mode), whoever is on the way to the server can read and change every session. Add "
                + "sslmode=verify-full to the connection string, and sslrootcert with the certificate of the authority "
                + "that signed the server's (or sslrootcert=system from libpq 16 on). If nobody but you can reach that "
                + "network, set serverVerification to .trustedNetwork."
        )
    }

    /// Refuses a URI in which a password ends where it should not.
    ///
    /// A raw `@` or `/` makes its rest a host, a port or a database, which libpq's errors name (checklist LG-01).
    private static func checkPassword(in text: String) throws {
        guard let scheme = ["postgresql://", "postgres://"].first(where: { text.hasPrefix($0) }) else { return }
        let place = text.utf8.dropFirst(scheme.utf8.count).prefix { $0 != UInt8(ascii: "?") }
        let parts = place.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.count < 2 || !parts[0].contains(UInt8(ascii: "/")) else { throw noPlace }
    }

    /// Refuses hosts and ports that are none: they may be the rest of a password.
    private static func checkPlaces(_ settings: [String: String]) throws {
        for host in list(settings["host"]) + list(settings["hostaddr"]) {
            // An abstract socket begins with it.
            guard !host.utf8.dropFirst().contains(UInt8(ascii: "@")) else { throw noPlace }
        }
        for port in list(settings["port"]) {
            guard port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { throw noPlace }
        }
    }

    private static var noPlace: SessionConfigurationError {
        SessionConfigurationError(
            .store,
            "The connection string names a host or a port that is none. In the password of a URI write @ as %40, : as %3A "
                + "and / as %2F."
        )
    }

    private static func list(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// Whether one of the servers is on another machine. Each is reached by its address, or, if that is empty, by its name.
    private static func leavesTheMachine(_ settings: [String: String]) -> Bool {
        let (hosts, addresses) = (list(settings["host"]), list(settings["hostaddr"]))
        return (0..<max(hosts.count, addresses.count)).contains { index in
            let address = addresses.indices.contains(index) ? addresses[index] : ""
            let host = hosts.indices.contains(index) ? hosts[index] : ""
            return !isLocal(address.isEmpty ? host : address)
        }
    }

    /// A socket's directory, or the loopback interface.
    private static func isLocal(_ host: String) -> Bool {
        if host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") || host.lowercased() == "localhost" {
            return true
        }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { $0.elementsEqual([UInt8](repeating: 0, count: 15) + [1]) }
    }
}
#endif
