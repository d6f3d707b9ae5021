import Foundation

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A directory of a server's own, removed with this object.
package final class ServerDirectory: Sendable {
    package let path: String

    package init(_ name: String) throws {
        // Short: a socket's path may have about a hundred bytes.
        let url = URL(fileURLWithPath: "/tmp/\(name)-\(UInt32.random(in: .min ... .max))")
        try FileManager.default.createDirectory(
            at: url,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// What is in all its files, of each the last four million bytes at most.
    package func contents() throws -> [UInt8] {
        var bytes: [UInt8] = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
            // A socket is no file, and one may be gone by now.
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: file(name))) else { continue }
            bytes += data.suffix(4 << 20)
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

    /// A port of the loopback interface that was free a moment ago.
    package static func freePort() throws -> Int {
        let listener = socket(AF_INET, streamSocket, 0)
        guard listener >= 0 else { throw TestServerError("no socket: error \(errno)") }
        defer { close(listener) }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) == 0 ? getsockname(listener, pointer, &size) : -1
            }
        }
        guard result == 0 else { throw TestServerError("no free port: error \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
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
        close(client)
        return true
    }

    /// A blocking connection to `port`, which the caller closes; `nil` if nothing listens there.
    package static func connect(to port: Int) -> Int32? {
        let client = socket(AF_INET, streamSocket, 0)
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

    private static var streamSocket: Int32 {
        #if canImport(Glibc)
        Int32(SOCK_STREAM.rawValue)
        #else
        SOCK_STREAM
        #endif
    }
}

// The name of the system's call is that of a method here.
func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(descriptor, address, size)
}
