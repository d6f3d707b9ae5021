import Foundation
import Sessions
import SessionsTesting

#if Mongo
import SessionsMongo
#endif
#if Postgres
import SessionsPostgres
#endif
#if Redis
import SessionsRedis
#endif
#if SQLite
import SessionsSQLite
#endif

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A node of its own for the history tests: serves ``HistoryRequest``s as lines of JSON over a loopback connection.
///
/// `SessionsNode PORT STORE`, and the key ring's secret in the environment variable `SESSION_KEYS`.
@main
struct SessionsNode {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let port = UInt16(arguments[1]) else {
            throw NodeError("usage: SessionsNode PORT STORE")
        }
        // A client that went away is an error of that write, not the end of this process.
        signal(SIGPIPE, SIG_IGN)
        let sessions = try SessionManager(
            store: try await makeStore(arguments[2]),
            keys: KeyRing(environment: "SESSION_KEYS"),
            configuration: LocalHistoryNode.configuration
        )
        let node = LocalHistoryNode(sessions)
        let listener = try listen(on: port)
        let thread = Thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { continue }
                Thread { serve(client, node) }.start()
            }
        }
        thread.start()
        while true { try await Task.sleep(for: .seconds(3600)) }
    }

    /// `sqlite:PATH`, `file:PATH`, `mongo:URL`, `postgres:URL`, `redis:URL`, or `redis:URL#N` for N replicas that confirm
    private static func makeStore(_ text: String) async throws -> any SessionStore {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch parts.first {
        #if SQLite
        case "sqlite":
            var configuration = SQLiteSessionStore.Configuration()
            configuration.busyTimeout = .seconds(30)
            configuration.deadline = .seconds(60)
            return try SQLiteSessionStore(path: parts[1], configuration: configuration)
        #endif
        #if Mongo
        case "mongo":
            var configuration = MongoSessionStore.Configuration()
            (configuration.connectDeadline, configuration.deadline) = (.seconds(2), .seconds(3))
            configuration.connectionLimit = 8
            return try await opened { try await MongoSessionStore(parts[1], configuration: configuration) }
        #endif
        #if Postgres
        case "postgres":
            var configuration = PostgresSessionStore.Configuration()
            (configuration.connectDeadline, configuration.deadline) = (.seconds(2), .seconds(2))
            configuration.connectionLimit = 4
            return try await opened { try await PostgresSessionStore(parts[1], configuration: configuration) }
        #endif
        #if Redis
        case "redis":
            let parts = parts[1].split(separator: "#").map(String.init)
            var client = try RedisClient.Configuration(url: parts[0])
            (client.connectDeadline, client.callDeadline) = (.seconds(1), .seconds(2))
            var configuration = RedisSessionStore.Configuration()
            if let replicas = parts.dropFirst().first.flatMap({ Int($0) }) {
                configuration.confirmation = .replicas(replicas, within: .milliseconds(500))
            }
            return try RedisSessionStore(client: RedisClient(client), configuration: configuration)
        #endif
        case "file":
            var configuration = FileSessionStore.Configuration()
            configuration.lockTimeout = .seconds(30)
            configuration.deadline = .seconds(60)
            return try FileSessionStore(directory: parts[1], configuration: configuration)
        default: throw NodeError("no such store: \(text)")
        }
    }

    /// What `open` makes. Its deadlines are short for what comes later: on a busy machine it may miss them at first.
    private static func opened<Store>(_ open: () async throws -> Store) async throws -> Store {
        for _ in 0..<30 {
            do {
                return try await open()
            } catch let error as SessionStoreError where error.code == .unavailable || error.code == .timedOut {
                continue
            }
        }
        return try await open()
    }

    private static func listen(on port: UInt16) throws -> Int32 {
        #if canImport(Glibc)
        let kind = Int32(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let listener = socket(AF_INET, kind, 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0, Self.listen(listener) else { throw NodeError("port \(port) cannot be had: error \(errno)") }
        return listener
    }

    private static func listen(_ listener: Int32) -> Bool {
        #if canImport(Darwin)
        Darwin.listen(listener, 128) == 0
        #elseif canImport(Glibc)
        Glibc.listen(listener, 128) == 0
        #else
        Musl.listen(listener, 128) == 0
        #endif
    }

    /// One connection carries one request.
    private static func serve(_ client: Int32, _ node: LocalHistoryNode) {
        let handle = FileHandle(fileDescriptor: client, closeOnDealloc: true)
        guard let line = handle.line(), let request = try? JSONDecoder().decode(HistoryRequest.self, from: line) else {
            return
        }
        Task {
            let response = await node.serve(request)
            if let bytes = try? JSONEncoder().encode(response) {
                try? handle.write(contentsOf: bytes + Data("\n".utf8))
            }
            try? handle.close()
        }
    }
}

struct NodeError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension FileHandle {
    /// Everything up to the first line's end; `nil` if there is none.
    fileprivate func line() -> Data? {
        // Not its own `read(upToCount:)`, which waits until there are as many.
        var (line, part) = (Data(), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let count = recv(fileDescriptor, &part, part.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            line += part[..<count]
            if line.last == UInt8(ascii: "\n") { return line }
        }
    }
}
