import Foundation
import Synchronization

/// A Redis server of a test's own, in a directory of its own.
package final class RedisServer: Sendable {
    package let port: Int
    /// The path of its Unix domain socket.
    package let socket: String
    package let directory: ServerDirectory
    /// Whether `port` expects TLS.
    package let usesTLS: Bool

    private let arguments: [String]
    private let process: Mutex<ServerProcess>

    /// Starts a server that keeps nothing on disk, and returns when it answers.
    package convenience init(_ arguments: [String] = [], port: Int? = nil) async throws {
        try await self.init(program: "redis-server", arguments: arguments, port: port, config: nil)
    }

    /// - Parameter config: The text of a configuration file, for a server that writes into its own.
    package init(
        program: String,
        arguments: [String],
        port: Int?,
        config: String?,
        tls: RedisCertificates? = nil
    ) async throws {
        let port = try port ?? ServerEnvironment.freePort()
        directory = try ServerDirectory("redis")
        socket = directory.file("socket")
        usesTLS = tls != nil
        self.port = port
        var words: [String] = []
        if let config {
            try config.write(toFile: directory.file("config"), atomically: true, encoding: .utf8)
            words.append(directory.file("config"))
        }
        words += tls == nil ? ["--port", "\(port)"] : ["--port", "0", "--tls-port", "\(port)"]
        if let tls { words += tls.arguments }
        words += ["--bind", "127.0.0.1", "--dir", directory.path]
        if program == "redis-server" {
            words += ["--unixsocket", socket, "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]
        }
        self.arguments = [try ServerEnvironment.program(program, in: ["/usr/sbin"])] + words + arguments
        process = Mutex(try ServerProcess(self.arguments[0], Array(self.arguments[1...]), log: directory.file("log")))
        try await ServerEnvironment.waitForListener(at: port, of: current)
    }

    private var current: ServerProcess { process.withLock { $0 } }

    package var isRunning: Bool { current.isRunning }

    /// Kills it as `kill -9` does.
    package func crash() async { await current.crash() }

    package func pause() { current.pause() }

    package func resume() { current.resume() }

    /// Starts it again, at the same port, after it has ended.
    ///
    /// - Parameter more: Arguments besides those of the first time.
    package func restart(_ more: [String] = []) async throws {
        let process = try ServerProcess(arguments[0], Array(arguments[1...]) + more, log: directory.file("log"))
        self.process.withLock { $0 = process }
        try await ServerEnvironment.waitForListener(at: port, of: process)
    }

    /// What `redis-cli` says to a command, as an operator would see it.
    @discardableResult
    package func cli(_ words: String...) async throws -> String {
        try await Self.cli(words, at: usesTLS ? .socket(socket) : .port(port), in: directory)
    }

    package enum Place {
        case port(Int)
        case socket(String)
    }

    package static func cli(_ words: [String], at place: Place, in directory: ServerDirectory) async throws -> String {
        let output = directory.file("cli-\(UInt32.random(in: .min ... .max))")
        defer { try? FileManager.default.removeItem(atPath: output) }
        let connection =
            switch place {
            case .port(let port): ["-p", "\(port)"]
            case .socket(let path): ["-s", path]
            }
        let program = try ServerEnvironment.program("redis-cli")
        let process = try ServerProcess(program, connection + words, log: output)
        // A server that is paused answers nobody.
        let end = Task {
            try await Task.sleep(for: .seconds(60))
            await process.crash()
        }
        await process.exit()
        end.cancel()
        let text = try String(contentsOfFile: output, encoding: .isoLatin1)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// Waits until `redis-cli` says what `condition` wants.
    package func wait(for words: String..., until condition: (String) -> Bool) async throws {
        for _ in 0..<1_200 {
            if condition(try await Self.cli(words, at: usesTLS ? .socket(socket) : .port(port), in: directory)) {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestServerError("\(words.joined(separator: " ")) at port \(port) never says what it should")
    }

    /// Everything it keeps, as bytes: its file with all keys and values, and each key's own.
    package func dump() async throws -> [UInt8] {
        try await cli("SAVE")
        // The file is compressed; the values as redis-cli prints them are not.
        var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: directory.file("dump.rdb"))))
        for key in try await cli("--scan").split(separator: "\n").map(String.init) {
            bytes += Array(key.utf8)
            switch try await cli("TYPE", key) {
            case "string": bytes += Array(try await cli("GET", key).utf8)
            case "zset": bytes += Array(try await cli("ZRANGE", key, "0", "-1").utf8)
            default: throw TestServerError("a key of a type that no store writes")
            }
        }
        return bytes
    }
}

/// A certificate authority of a test's own, and a certificate for this machine.
package struct RedisCertificates: Sendable {
    package let authority: String
    let certificate: String
    let key: String

    /// - Parameter names: What the certificate is for.
    package init(in directory: ServerDirectory, names: String = "DNS:localhost,IP:127.0.0.1") async throws {
        authority = directory.file("ca.pem")
        certificate = directory.file("server.pem")
        key = directory.file("server.key")
        let script = """
            cd "$1"
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.pem
            openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
            printf 'subjectAltName=%s' "$2" >extensions
            openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions \
                -out server.pem
            """
        let process = try ServerProcess(
            "/bin/sh",
            ["-ec", script, "certificates", directory.path, names],
            log: directory.file("openssl.log")
        )
        guard await process.exit() == 0 else { throw TestServerError("openssl could not make certificates") }
    }

    /// What a server is started with that shows the certificate and trusts the authority.
    package var arguments: [String] {
        [
            "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority,
            "--tls-auth-clients", "no",
        ]
    }
}
