#if Mongo
import CMongoC
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where the servers are and how to connect to them, as libmongoc reads it.
///
/// The text may hold a password, and libmongoc quotes pieces of a text that it does not understand: neither gets into an error.
struct MongoURI: Sendable {
    private let text: String
    private let configuration: MongoSessionStore.Configuration
    private let isDirect: Bool
    /// The database of the path; `nil` if there is none.
    let database: String?
    /// Whether a write that met an election may be sent again; `retryWrites=false` says that it may not.
    let retriesWrites: Bool
    /// Whether connections are encrypted and the server proves who it is.
    let isVerified: Bool

    /// Reads `text`, and refuses what would not be safe (checklist ST-10).
    ///
    /// - Parameter isDirect: Whether it leads to one server alone, whatever set it is in: for tests.
    init(_ text: String, configuration: MongoSessionStore.Configuration, isDirect: Bool = false) throws {
        MongoPool.setUp
        self.isDirect = isDirect
        self.text = text
        self.configuration = configuration
        guard let uri = mongoc_uri_new_with_error(text, nil) else { throw Self.malformed }
        defer { mongoc_uri_destroy(uri) }
        database = mongoc_uri_get_database(uri).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        let options = [
            MONGOC_URI_TLSINSECURE, MONGOC_URI_TLSALLOWINVALIDCERTIFICATES, MONGOC_URI_TLSALLOWINVALIDHOSTNAMES,
        ]
        isVerified = mongoc_uri_get_tls(uri) && !options.contains { mongoc_uri_get_option_as_bool(uri, $0, false) }
        retriesWrites = mongoc_uri_get_option_as_bool(uri, MONGOC_URI_RETRYWRITES, true)
        try Self.checkWrites(uri, configuration)
        try Self.checkReads(uri, configuration)
        // With mongodb+srv there is none yet, and TLS is on unless the text turns it off.
        let hosts = Self.hosts(mongoc_uri_get_hosts(uri))
        try check(hosts: hosts.isEmpty ? ["srv"] : hosts)
    }

    private static let malformed = SessionConfigurationError(
        .store,
        "The connection string is no URI that libmongoc understands. Correct it to the form "
            + "mongodb://user:password@host1,host2/database?replicaSet=name&tls=true; characters such as @, : and / in a "
            + "password are written as %40, %3A and %2F."
    )

    /// Calls `body` with libmongoc's form of it, which has the store's deadlines.
    func withURI<Result>(_ body: (OpaquePointer) throws -> Result) throws -> Result {
        guard let uri = mongoc_uri_new_with_error(text, nil) else { throw Self.malformed }
        defer { mongoc_uri_destroy(uri) }
        func milliseconds(_ duration: Duration) -> Int32 { Int32(clamping: duration.wholeMicroseconds / 1000) }
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, milliseconds(configuration.connectDeadline))
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, milliseconds(configuration.deadline))
        // It ends before the call, as it knows why there is no primary.
        let selection = milliseconds(configuration.deadline * 0.9)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, max(1, selection))
        // One member's address leads to the whole replica set, and so to its primary.
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_DIRECTCONNECTION, isDirect)
        if mongoc_uri_get_appname(uri) == nil { mongoc_uri_set_appname(uri, "swift-sessions") }
        return try body(uri)
    }

    // MARK: Checking

    private static func checkWrites(
        _ uri: OpaquePointer,
        _ configuration: MongoSessionStore.Configuration
    ) throws {
        let concern = mongoc_uri_get_write_concern(uri)
        let (w, asksJournal) = (mongoc_write_concern_get_w(concern), mongoc_write_concern_get_journal(concern))
        let statesJournal = mongoc_write_concern_journal_is_set(concern)
        let isW: Bool
        switch configuration.confirmation {
        case .majority: isW = w == MONGOC_WRITE_CONCERN_W_DEFAULT || w == MONGOC_WRITE_CONCERN_W_MAJORITY
        case .primary, .unflushed: isW = w == MONGOC_WRITE_CONCERN_W_DEFAULT || w == 1
        }
        guard isW, !statesJournal || asksJournal == (configuration.confirmation != .unflushed) else {
            throw SessionConfigurationError(
                .store,
                "The connection string's w or journal is not what confirmation (\(configuration.confirmation)) stands for. "
                    + "Leave both out of it, and set confirmation: .majority keeps what was answered, .primary and "
                    + ".unflushed may lose it, logouts among it."
            )
        }
    }

    private static func checkReads(
        _ uri: OpaquePointer,
        _ configuration: MongoSessionStore.Configuration
    ) throws {
        guard mongoc_read_prefs_get_mode(mongoc_uri_get_read_prefs_t(uri)) == MONGOC_READ_PRIMARY else {
            throw SessionConfigurationError(
                .store,
                "The connection string's readPreference may lead to a secondary, which shows sessions that are over. Leave "
                    + "it out, or set it to primary."
            )
        }
        let level = mongoc_read_concern_get_level(mongoc_uri_get_read_concern(uri)).map { String(cString: $0) }
        guard level == nil || level == configuration.reads.level else {
            throw SessionConfigurationError(
                .store,
                "The connection string's readConcernLevel is not what reads (\(configuration.reads)) stands for. Leave it "
                    + "out, and set reads."
            )
        }
        guard !mongoc_uri_get_option_as_bool(uri, MONGOC_URI_DIRECTCONNECTION, false) else {
            throw SessionConfigurationError(
                .store,
                "directConnection=true leads to one member of a replica set, whether it is the primary or not. Leave it out, "
                    + "and name members by addresses that this machine can reach."
            )
        }
    }

    /// Refuses servers on other machines that need not prove who they are.
    func check(hosts: [String]) throws {
        guard configuration.serverVerification == .required, !isVerified, !hosts.allSatisfy(Self.isLocal) else {
            return
        }
        throw SessionConfigurationError(
            .store,
            "Without TLS, or with certificates that are not checked, whoever is on the way to the server can read and change "
                + "every session. Add tls=true to the connection string, and tlsCAFile with the certificate of the authority "
                + "that signed the servers', and leave out what begins with tlsAllow and tlsInsecure. If nobody but you can "
                + "reach that network, set serverVerification to .trustedNetwork."
        )
    }

    /// The names in a list of libmongoc's.
    static func hosts(_ list: UnsafePointer<mongoc_host_list_t>?) -> [String] {
        var (names, next) = ([String](), list)
        while let host = next {
            names.append(String(cString: CMongoC_host(host)))
            next = CMongoC_nextHost(host)
        }
        return names
    }

    /// A socket's path, or the loopback interface.
    private static func isLocal(_ host: String) -> Bool {
        if host.hasPrefix("/") || host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { $0.elementsEqual([UInt8](repeating: 0, count: 15) + [1]) }
    }
}
#endif
