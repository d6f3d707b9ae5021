import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A PostgreSQL server with a cluster of its own in a scratch directory, on a free port of the loopback interface.
package final class PostgresServer: Sendable {
    package let port: Int
    private let directory: ServerDirectory
    private let settings: [String]
    /// Where its cluster is; `nil` for its own directory.
    private let disk: SmallDisk?
    private let process = Mutex<ServerProcess?>(nil)

    /// Makes a cluster and starts its server.
    ///
    /// - Parameters:
    ///   - settings: what is set beside the defaults, as `name=value`.
    ///   - accessRules: the lines of `pg_hba.conf`; by default everybody is trusted.
    ///   - certificate: whether the server has a certificate for `localhost`, which signs itself.
    ///   - disk: what its cluster is to be on.
    package init(
        settings: [String] = [],
        accessRules: [String]? = nil,
        certificate: Bool = false,
        disk: SmallDisk? = nil
    ) async throws {
        port = try ServerEnvironment.freePort()
        directory = try ServerDirectory("pg")
        self.disk = disk
        self.settings = settings + (certificate ? ["ssl=on"] : [])
        try Self.giveAway(directory.path)
        if disk != nil {
            // Inside, the server makes its own; the disk's root stays this process's.
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
            try Self.giveAway(data)
        }
        try await run(
            Self.program("initdb"),
            ["-N", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", data]
        )
        if certificate {
            try await run(
                ServerEnvironment.program("openssl"),
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    data + "/server.key",
                    "-out", data + "/server.crt",
                ]
            )
        }
        if let accessRules {
            let text = (["local all all trust"] + accessRules).joined(separator: "\n") + "\n"
            try Data(text.utf8).write(to: URL(fileURLWithPath: data + "/pg_hba.conf"))
        }
        try await start()
    }

    /// Makes a copy of another server as it is now, and starts it as that one's standby.
    ///
    /// - Parameters:
    ///   - primary: what it copies and follows.
    ///   - name: what `primary` has in its `synchronous_standby_names`.
    ///   - settings: what is set beside the defaults, as `name=value`.
    package init(standbyOf primary: PostgresServer, named name: String, settings: [String] = []) async throws {
        port = try ServerEnvironment.freePort()
        directory = try ServerDirectory("pg")
        disk = nil
        self.settings = settings
        try Self.giveAway(directory.path)
        try await run(
            Self.program("pg_basebackup"),
            ["-D", data, "-R", "-X", "stream", "-c", "fast", "-d", "\(primary.socketURL) application_name=\(name)"]
        )
        try await start()
    }

    private var data: String { disk?.directory.file("data") ?? directory.file("data") }

    /// The certificate that its own is signed with.
    package var certificate: String { data + "/server.crt" }

    /// How to connect to it, as its administrator.
    package var url: String { url(at: port) }

    /// The same by way of another port.
    package func url(at port: Int) -> String { "postgresql://postgres@127.0.0.1:\(port)/postgres" }

    /// How to connect to it without the network, as its administrator, whatever its rules.
    package var socketURL: String { "host=\(directory.path) port=\(port) user=postgres dbname=postgres" }

    // MARK: Starting and stopping

    /// Starts it, again if need be, and waits until it takes connections.
    package func start() async throws {
        let options = ["listen_addresses=127.0.0.1", "unix_socket_directories=\(directory.path)", "port=\(port)"]
        let (command, arguments) = Self.asOwner(
            try Self.program("postgres"),
            ["-D", data] + (options + settings).flatMap { ["-c", $0] }
        )
        var process = try ServerProcess(command, arguments, log: directory.file("log"))
        // After a crash one of its processes may still be on its way out; until it is gone a new server ends at once.
        for _ in 0..<200 {
            while process.isRunning, !ServerEnvironment.accepts(port) { try await Task.sleep(for: .milliseconds(10)) }
            guard !process.isRunning, try hasLeftovers() else { break }
            try await Task.sleep(for: .milliseconds(20))
            process = try ServerProcess(command, arguments, log: directory.file("log"))
        }
        _ = Self.running.withLock { $0.insert(process.pid) }
        _ = Self.atExit
        let ended = self.process.withLock { current in
            defer { current = process }
            return current
        }
        if let ended { _ = Self.running.withLock { $0.remove(ended.pid) } }
        try await ServerEnvironment.waitForListener(at: port, of: process)
        // It listens before it has recovered from a crash.
        for _ in 0..<6_000 {
            if try await exitCode(Self.program("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", "\(port)"]) == 0 {
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestServerError("PostgreSQL does not get ready; see \(directory.file("log"))")
    }

    /// Whether the last thing the log says is that processes of the server that ran before are there.
    private func hasLeftovers() throws -> Bool {
        let log = String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.file("log"))), as: UTF8.self)
        return log.split(separator: "\n").suffix(3).contains { $0.contains("shared memory block") }
    }

    package var isRunning: Bool { process.withLock { $0?.isRunning == true } }

    /// Kills all of its processes at once, as a crash of the machine would.
    package func crash() async throws {
        let process = try current
        process.pause()
        for pid in try await children() { kill(pid, SIGKILL) }
        await process.crash()
        _ = Self.running.withLock { $0.remove(process.pid) }
        self.process.withLock { $0 = nil }
    }

    /// Makes a primary of a standby, with all that it has received; returns once it takes writes.
    package func promote() async throws {
        try await run(Self.program("pg_ctl"), ["promote", "-w", "-t", "300", "-D", data])
    }

    /// Stops it; its connections are closed.
    package func stop() async throws {
        let process = try current
        process.signal(SIGINT)
        await process.exit()
        _ = Self.running.withLock { $0.remove(process.pid) }
        self.process.withLock { $0 = nil }
    }

    /// All of its processes keep their connections and answer nothing.
    package func pause() async throws {
        try current.pause()
        for pid in try await children() { kill(pid, SIGSTOP) }
    }

    package func resume() async throws {
        for pid in try await children() { kill(pid, SIGCONT) }
        try current.resume()
    }

    /// Starts what receives and confirms the server's log as a synchronous standby does.
    package func startStandby(named name: String) throws -> ServerProcess {
        let received = directory.file("received-\(UInt32.random(in: .min ... .max))")
        try FileManager.default.createDirectory(atPath: received, withIntermediateDirectories: false)
        try Self.giveAway(received)
        let (command, arguments) = Self.asOwner(
            try Self.program("pg_receivewal"),
            ["-D", received, "--synchronous", "-d", "\(socketURL) application_name=\(name)"]
        )
        return try ServerProcess(command, arguments, log: directory.file("standby-log"))
    }

    /// Everything in the database, as `pg_dump` writes it: bytes as hexadecimal.
    package func dump() async throws -> String {
        let file = directory.file("dump-\(UInt32.random(in: .min ... .max))")
        try await run(
            Self.program("pg_dump"),
            ["-h", directory.path, "-p", "\(port)", "-U", "postgres", "-f", file, "postgres"]
        )
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    }

    /// The same, with what its hexadecimal texts spell after it.
    package func dumpedBytes() async throws -> [UInt8] {
        let text = try await dump()
        var bytes = Array(text.utf8)
        for field in text.split(whereSeparator: \.isWhitespace) where field.hasPrefix("\\\\x") {
            var digits = field.utf8.dropFirst(3)
            while digits.count >= 2, let byte = UInt8(String(decoding: digits.prefix(2), as: UTF8.self), radix: 16) {
                bytes.append(byte)
                digits = digits.dropFirst(2)
            }
            bytes.append(0)
        }
        return bytes
    }

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

    private func children() async throws -> [pid_t] {
        let file = directory.file("children-\(UInt32.random(in: .min ... .max))")
        let list = try ServerProcess(
            ServerEnvironment.program("pgrep"),
            ["-P", "\(try current.pid)"],
            log: file
        )
        await list.exit()
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    }

    // MARK: Programs

    /// Where Debian and Homebrew keep the server's programs, the newest version first.
    private static func program(_ name: String) throws -> String {
        let roots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"]
        let directories = roots.flatMap { root in
            let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
            return versions.filter { root.hasPrefix("/usr/lib") || $0.hasPrefix("postgresql") }
                .sorted { $0.compare($1, options: .numeric) == .orderedDescending }
                .map { "\(root)/\($0)/bin" }
        }
        return try ServerEnvironment.program(name, in: directories)
    }

    /// PostgreSQL refuses to run as root.
    private static func asOwner(_ command: String, _ arguments: [String]) -> (String, [String]) {
        guard geteuid() == 0 else { return (command, arguments) }
        return ("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", command] + arguments)
    }

    private static func giveAway(_ directory: String) throws {
        guard geteuid() == 0 else { return }
        guard let user = getpwnam("postgres") else { throw TestServerError("there is no user postgres") }
        guard chown(directory, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            throw TestServerError("\(directory) could not be given to the user postgres")
        }
    }

    private func exitCode(_ command: String, _ arguments: [String]) async throws -> Int32 {
        let (command, arguments) = Self.asOwner(command, arguments)
        return try await ServerProcess(command, arguments, log: directory.file("log")).exit()
    }

    private func run(_ command: String, _ arguments: [String]) async throws {
        guard try await exitCode(command, arguments) == 0 else {
            throw TestServerError("\(command) failed: \(try log())")
        }
    }

    // MARK: The end

    /// A server that is killed leaves a piece of shared memory behind; one that is told to end at once does not.
    deinit {
        guard let process = process.withLock({ $0 }) else { return }
        process.signal(SIGQUIT)
        for _ in 0..<1_000 where process.isRunning { usleep(10_000) }
        _ = Self.running.withLock { $0.remove(process.pid) }
    }

    /// The servers that run, for when this process ends.
    private static let running = Mutex<Set<pid_t>>([])

    private static let atExit: Void = {
        atexit {
            let pids = PostgresServer.running.withLock { $0 }
            for pid in pids { kill(pid, SIGQUIT) }
            for _ in 0..<200 where pids.contains(where: { kill($0, 0) == 0 }) { usleep(10_000) }
        }
    }()
}
