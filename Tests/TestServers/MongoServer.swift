#if Mongo
import CMongoC
import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A MongoDB server with a scratch directory of its own, on a free port of the loopback interface.
package final class MongoServer: Sendable {
    package let port: Int
    /// What a replica set knows it by.
    package let host: String
    private let directory: ServerDirectory
    private let disk: SmallDisk?
    private let arguments: [String]
    private let process = Mutex<ServerProcess?>(nil)

    /// Starts a server.
    ///
    /// - Parameters:
    ///   - replicaSet: The name of the replica set it is to be a member of; `nil` for a server of its own.
    ///   - arguments: what is set beside the defaults.
    ///   - host: Makes what others reach it by of its port; by default the port of the loopback interface.
    ///   - files: Text files it finds in its directory, which `arguments` spells `@`.
    ///   - disk: Where its data is; by default in its directory.
    package init(
        replicaSet: String? = nil,
        arguments: [String] = [],
        files: [String: String] = [:],
        disk: SmallDisk? = nil,
        host: (Int) throws -> String = { "127.0.0.1:\($0)" }
    ) async throws {
        port = try ServerEnvironment.freePort()
        self.host = try host(port)
        let directory = try ServerDirectory("mongo")
        (self.directory, self.disk) = (directory, disk)
        for (name, text) in files {
            try text.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
            chmod(directory.file(name), 0o600)
        }
        var words = [
            "--dbpath", disk?.directory.path ?? directory.path, "--bind_ip", "127.0.0.1", "--port", "\(port)",
            "--nounixsocket",
            "--wiredTigerCacheSizeGB", "0.25", "--setParameter", "ttlMonitorSleepSecs=1",
            // In the clear, for who looks for something in its files.
            "--wiredTigerCollectionBlockCompressor", "none", "--wiredTigerJournalCompressor", "none",
            "--setParameter", "enableTestCommands=1", "--setParameter", "diagnosticDataCollectionEnabled=false",
        ]
        if let replicaSet {
            words += ["--replSet", replicaSet, "--oplogSize", "64"]
            words += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"]
        }
        self.arguments = words + arguments.map { $0.replacingOccurrences(of: "@", with: directory.path) }
        try await start()
    }

    /// How to connect to it.
    package var url: String { url(at: port) }

    /// The same by way of another port.
    package func url(at port: Int) -> String { "mongodb://127.0.0.1:\(port)/test" }

    /// The path of a file in its directory.
    package func file(_ name: String) -> String { directory.file(name) }

    // MARK: Starting and stopping

    /// Starts it, again if need be, and waits until it takes connections.
    ///
    /// - Parameter more: Arguments besides those of the first time.
    package func start(_ more: [String] = []) async throws {
        let process = try ServerProcess(Self.program(), arguments + more, log: directory.file("log"))
        self.process.withLock { $0 = process }
        try await ServerEnvironment.waitForListener(at: port, of: process)
    }

    /// Kills it at once.
    package func crash() async throws {
        try await current.crash()
        process.withLock { $0 = nil }
    }

    /// Stops it; its connections are closed.
    package func stop() async throws {
        try await current.stop()
        process.withLock { $0 = nil }
    }

    /// It keeps its connections and answers nothing.
    package func pause() throws { try current.pause() }

    package func resume() throws { try current.resume() }

    package var isRunning: Bool { process.withLock { $0?.isRunning ?? false } }

    /// What it has logged.
    package func log() throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.file("log"))), as: UTF8.self)
    }

    private var current: ServerProcess {
        get throws {
            guard let process = process.withLock({ $0 }) else { throw TestServerError("the server does not run") }
            return process
        }
    }

    /// The one on the search path, or else the one that `make test` fetched into the build folder.
    private static func program() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        if let program = try? ServerEnvironment.program("mongod") { return program }
        return try ServerEnvironment.program("mongod", in: [root + "/.build/mongodb/fiftyone/db/bin"])
    }

    // MARK: Commands

    /// Carries out a command on this server, whatever it is in a replica set; both are JSON.
    @discardableResult
    package func command(_ json: String, in database: String = "admin", url: String? = nil) async throws -> String {
        try await MongoShell.run(json, in: database, at: url ?? "mongodb://127.0.0.1:\(port)/?directConnection=true")
    }

    /// Has the next commands of a kind fail, as `data` says in JSON.
    package func fail(_ times: Int, _ data: String) async throws {
        try await command(
            #"{"configureFailPoint":"failCommand","mode":{"times":\#(times)},"data":{\#(data)}}"#
        )
    }

    /// Nothing fails any more.
    package func failNothing() async throws {
        try await command(#"{"configureFailPoint":"failCommand","mode":"off"}"#)
    }

    // MARK: Dumps

    /// Everything it keeps of a store: the documents, and what is in its log and its other files.
    package func dump(_ collection: String = "sessions") async throws -> [UInt8] {
        try await MongoShell.documents(of: collection, at: url) + files()
    }

    /// What is in its log, its data and its journal; what it had in memory alone is written before.
    fileprivate func files() async throws -> [UInt8] {
        try await command(#"{"fsync":1}"#)
        return try directory.contents() + (disk?.directory.contents() ?? [])
    }
}

/// A replica set on this machine.
package final class MongoReplicaSet: Sendable {
    package let members: [MongoServer]
    private let name = "rs0"

    /// Starts the members and waits for a primary.
    ///
    /// - Parameters:
    ///   - electable: How many of the members may be the primary; by default all.
    ///   - electionTimeout: How many milliseconds the primary may be silent before another one is elected.
    ///   - host: Makes what a member is known by of its port.
    package init(
        members count: Int = 3,
        electable: Int = .max,
        electionTimeout: Int = 1000,
        arguments: [String] = [],
        host: @Sendable (Int) throws -> String = { "127.0.0.1:\($0)" }
    ) async throws {
        var members: [MongoServer] = []
        for _ in 0..<count {
            members.append(try await MongoServer(replicaSet: name, arguments: arguments, host: host))
        }
        self.members = members
        let list = members.enumerated().map { index, member in
            #"{"_id":\#(index),"host":"\#(member.host)","priority":\#(index < electable ? 1 : 0)}"#
        }
        try await members[0].command(
            """
            {"replSetInitiate":{"_id":"\(name)","members":[\(list.joined(separator: ","))],
            "settings":{"electionTimeoutMillis":\(electionTimeout),"heartbeatIntervalMillis":200,"chainingAllowed":false}}}
            """
        )
        if electionTimeout > 1000 {
            // It would be elected by itself after that time.
            try await waitUntil("the first member is the primary") {
                _ = try? await members[0].command(#"{"replSetStepUp":1}"#)
                let hello = try? await members[0].command(#"{"hello":1}"#)
                return hello?.contains(#""isWritablePrimary" : true"#) == true
            }
        }
        _ = try await primary()
        try await waitForMembers()
    }

    /// How to connect to it.
    package var url: String { "mongodb://\(members.map(\.host).joined(separator: ","))/test?replicaSet=\(name)" }

    /// The member that is the primary, as soon as there is one that takes writes.
    ///
    /// - Parameter other: A member that is not meant; it may be paused and never answer.
    package func primary(otherThan other: MongoServer? = nil) async throws -> MongoServer {
        for _ in 0..<3000 {
            for member in members where member.isRunning && member !== other {
                let hello = try? await member.command(#"{"hello":1}"#)
                if hello?.contains(#""isWritablePrimary" : true"#) == true { return member }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("the replica set elects no primary")
    }

    /// Returns once every member that runs is primary or secondary: only such can be elected.
    package func waitForMembers() async throws {
        for _ in 0..<3000 {
            var isReady = true
            for member in members where member.isRunning {
                let hello = try? await member.command(#"{"hello":1}"#)
                let isMember =
                    hello?.contains(#""isWritablePrimary" : true"#) == true
                    || hello?.contains(#""secondary" : true"#) == true
                if !isMember { isReady = false }
            }
            if isReady { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestServerError("a member of the replica set does not get ready")
    }

    /// Everything it keeps of a store: the documents of its primary, and what is in the files of all members.
    package func dump() async throws -> [UInt8] {
        try await waitForMembers()
        var bytes = try await MongoShell.documents(of: "sessions", at: url)
        for member in members { bytes += try await member.files() }
        return bytes
    }

    package func stop() async {
        for member in members where member.isRunning { try? await member.crash() }
    }
}

/// What an operator's shell does.
package enum MongoShell {
    /// Carries out a command; both are JSON.
    ///
    /// One that a server refuses because another one is the primary by now is sent again, for half a minute at most.
    @discardableResult
    package static func run(_ json: String, in database: String, at url: String) async throws -> String {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let outcome: Result<String, Refusal> = try await withCheckedThrowingContinuation { continuation in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try runAndWait(json, in: database, at: url) })
                }
            }
            switch outcome {
            case .success(let reply): return reply
            case .failure(let refusal):
                guard ContinuousClock.now < end else { throw TestServerError(refusal.text) }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// The documents of both collections of a store, with all their fields, as JSON; and what their bytes spell.
    fileprivate static func documents(of collection: String, at url: String) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for collection in [collection, collection + "_epochs"] {
            var count = 0
            while true {
                let page = #""skip":\#(count),"batchSize":1000,"singleBatch":true"#
                let reply = try await run(#"{"find":"\#(collection)","sort":{"_id":1},\#(page)}"#, in: "test", at: url)
                let fields = try JSONSerialization.jsonObject(with: Data(reply.utf8)) as? [String: Any]
                let cursor = fields?["cursor"] as? [String: Any]
                guard let batch = cursor?["firstBatch"] as? [Any] else {
                    throw TestServerError("these are no documents: \(reply)")
                }
                if batch.isEmpty { break }
                bytes += Array(reply.utf8) + spelled(batch)
                count += batch.count
            }
        }
        return bytes
    }

    /// What the bytes in a value of extended JSON spell.
    private static func spelled(_ value: Any) -> [UInt8] {
        if let values = value as? [Any] { return values.flatMap(spelled) }
        guard let fields = value as? [String: Any] else { return [] }
        if let text = fields["base64"] as? String { return Array(Data(base64Encoded: text) ?? Data()) + [0] }
        return fields.values.flatMap(spelled)
    }

    /// Nothing was done: the server that was asked is no primary, or no longer.
    private struct Refusal: Error {
        let text: String

        /// NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary.
        static let codes: Set<UInt32> = [10107, 13435, 13436]
    }

    private static let setUp: Void = { mongoc_init() }()

    private static func runAndWait(
        _ json: String,
        in database: String,
        at url: String
    ) throws -> Result<String, Refusal> {
        setUp
        var error = bson_error_t()
        func failure(_ what: String) -> TestServerError {
            TestServerError("\(what): \(withUnsafePointer(to: &error) { String(cString: CMongoC_message($0)) })")
        }
        guard let uri = mongoc_uri_new_with_error(url, &error) else { throw failure(url) }
        defer { mongoc_uri_destroy(uri) }
        // A replica set that is electing has a primary again soon.
        mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 30_000)
        mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, 30_000)
        guard let client = mongoc_client_new_from_uri_with_error(uri, &error) else { throw failure(url) }
        defer { mongoc_client_destroy(client) }
        guard let command = CMongoC_documentFromJSON(json, &error) else { throw failure(json) }
        defer { CMongoC_destroy(command) }
        var reply: OpaquePointer?
        let succeeded = CMongoC_command(client, false, database, command, nil, &reply, &error)
        defer { CMongoC_destroy(reply) }
        if !succeeded, Refusal.codes.contains(error.code) {
            return .failure(Refusal(text: failure(json).description))
        }
        guard succeeded else { throw failure(json) }
        guard let text = CMongoC_json(reply) else { throw failure(json) }
        defer { bson_free(text) }
        return .success(String(cString: text))
    }
}
#endif
