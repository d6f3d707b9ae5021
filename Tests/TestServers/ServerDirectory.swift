import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A directory of a server's own, removed with this object.
///
/// Servers that live as long as the tests do leave theirs behind: `Scripts/test.sh` gives all of them a directory that
/// it removes.
package final class ServerDirectory: Sendable {
    package let path: String

    package init(_ name: String) throws {
        // Short: a socket's path may have about a hundred bytes.
        let parent = ProcessInfo.processInfo.environment["SESSIONS_SERVERS", default: "/tmp"]
        let url = URL(fileURLWithPath: "\(parent)/\(name)-\(UInt64.random(in: 0..<1 << 48))")
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// What is in all its files, of each the last four million bytes at most.
    ///
    /// Zeros at a file's end are left out: there a server has taken room that it does not use yet.
    package func contents() throws -> [UInt8] {
        var bytes: [UInt8] = []
        let zeros = Data(count: 1 << 16)
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            // A socket is no file, and one may be gone by now.
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: file(name))) else { continue }
            var end = data.count
            while end >= zeros.count, data[end - zeros.count..<end] == zeros { end -= zeros.count }
            bytes += data[..<end].suffix(4 << 20)
        }
        return bytes
    }

    /// The path of `name` in it.
    package func file(_ name: String) -> String { path + "/" + name }
}

/// Finds programs, and ports that nobody listens on.
package enum ServerEnvironment {
    /// The path of `program`, on the search path or in `directories`.
    ///
    /// - Throws: when it is missing: a test that needs it fails and is not skipped.
    package static func program(_ name: String, in directories: [String] = []) throws -> String {
        let path = ProcessInfo.processInfo.environment["PATH", default: "/usr/bin:/bin"].split(separator: ":")
        for directory in directories + path.map(String.init) {
            let file = directory + "/" + name
            if FileManager.default.isExecutableFile(atPath: file) { return file }
        }
        throw TestServerError("\(name) is not installed; `make test` installs what the tests need")
    }

    /// A port of the loopback interface that nobody uses, for a server that may end and come back to it.
    ///
    /// None of those that the system hands out: while a server is down, an outgoing connection could be given its port;
    /// a client that tries it again and again would at last be connected to itself.
    package static func freePort() throws -> Int {
        for _ in ports {
            let port = nextPort.withLock { next in
                defer { next = next + 1 < ports.upperBound ? next + 1 : ports.lowerBound }
                return next
            }
            if isFree(port) { return port }
        }
        throw TestServerError("no port from \(ports.lowerBound) to \(ports.upperBound - 1) is free")
    }

    /// Redis keeps its cluster's bus 10000 above a node's port, which is below the system's own ports too.
    private static let ports = 10_000..<22_000
    /// Two runs side by side begin at different ones.
    private static let nextPort = Mutex(Int.random(in: ports))

    private static func isFree(_ port: Int) -> Bool {
        let listener = makeSocket()
        guard listener >= 0 else { return false }
        defer { close(listener) }
        // As the servers do, which may have the port of one that ended just now.
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Returns once something accepts connections at `port`.
    ///
    /// - Throws: when `process`, which is to do so, has ended, or a minute has gone by.
    package static func waitForListener(at port: Int, of process: ServerProcess) async throws {
        for _ in 0..<6_000 {
            if accepts(port) { return }
            guard process.isRunning else { throw TestServerError("the server for port \(port) ended; see its log") }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw TestServerError("nothing listens at port \(port)")
    }

    package static func accepts(_ port: Int) -> Bool {
        guard let client = connect(to: port) else { return false }
        shutdown(client, Int32(SHUT_RDWR))
        close(client)
        return true
    }

    /// A blocking connection to `port`, which the caller closes; `nil` if nothing listens there.
    package static func connect(to port: Int) -> Int32? {
        let client = makeSocket()
        guard client >= 0 else { return nil }
        var address = loopback(port: port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                systemConnect(client, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(client)
            return nil
        }
        return client
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// A socket that no server inherits which a test starts meanwhile: that would keep what the test has closed.
    static func makeSocket() -> Int32 {
        #if canImport(Glibc)
        socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
        notInherited(socket(AF_INET, SOCK_STREAM, 0))
        #endif
    }

    /// The next connection that comes to `listener`, which no server inherits either.
    static func acceptConnection(at listener: Int32) -> Int32 { notInherited(accept(listener, nil, nil)) }

    /// A server that is started just before this still inherits it: whoever closes it shuts it down first.
    private static func notInherited(_ descriptor: Int32) -> Int32 {
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }
}

// The name of the system's call is that of a method here.
func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(descriptor, address, size)
}
