import Foundation
package import HTTPTypes
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A client's connection to a server on this machine: bytes out, responses in.
///
/// Calls block threads of their own, so that fifty clients cannot starve the server that they wait for.
package final class WireConnection: Sendable {
    private let socket: Int32
    private let received = Mutex<[UInt8]>([])

    /// Connects to the port.
    package init(port: Int) async throws {
        socket = try await Self.blocking { try connectToLoopback(port) }
    }

    deinit {
        close(socket)
    }

    /// Sends text as it is.
    package func send(_ text: String) async throws {
        try await send(bytes: Array(text.utf8))
    }

    /// Sends bytes as they are.
    package func send(bytes: [UInt8]) async throws {
        try await Self.blocking { [socket] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { push(socket, $0) }
                guard count > 0 else { throw WireError(what: "sending failed: \(errno)") }
                sent += count
            }
        }
    }

    /// Sends a request; a body is sent with it if there is one.
    package func send(_ request: HTTPRequest, body: String = "") async throws {
        try await send(Self.text(of: request, body: body))
    }

    /// The next response, interim ones included.
    ///
    /// - Parameter method: that of the request, as a HEAD request is answered without a body.
    package func receive(_ method: HTTPRequest.Method = .get) async throws -> WireResponse {
        let connection = self
        return try await Self.blocking { try connection.read(method) }
    }

    /// The next bytes, past the responses that were received.
    package func receive(bytes count: Int) async throws -> [UInt8] {
        let connection = self
        return try await Self.blocking { try connection.take(count) }
    }

    /// Hangs up, whatever is under way.
    package func hangUp() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Says that no more is sent, and waits until the server has closed the connection.
    package func waitForEnd() async throws {
        let connection = self
        try await Self.blocking { while try connection.readMore() {} }
    }

    /// A request as it stands on the wire.
    package static func text(of request: HTTPRequest, body: String = "") -> String {
        var text = "\(request.method.rawValue) \(request.path ?? "/") HTTP/1.1\r\n"
        text += "Host: \(request.authority ?? "localhost")\r\n"
        for field in request.headerFields { text += "\(field.name.rawName): \(field.value)\r\n" }
        if request.method == .post { text += "Content-Length: \(body.utf8.count)\r\n" }
        return text + "\r\n" + body
    }

    // MARK: Reading

    private func read(_ method: HTTPRequest.Method) throws -> WireResponse {
        let head = try take(until: Array("\r\n\r\n".utf8))
        var response = try WireResponse(head: String(decoding: head, as: UTF8.self))
        let hasBody =
            method != .head && response.status >= 200 && response.status != 204 && response.status != 304
        guard hasBody else { return response }
        if response.fields[.transferEncoding]?.lowercased() == "chunked" {
            while true {
                let line = String(decoding: try take(until: Array("\r\n".utf8)), as: UTF8.self)
                guard let count = Int(line, radix: 16) else { throw WireError(what: "no chunk: \(line)") }
                response.body += try take(count)
                _ = try take(2)
                if count == 0 { return response }
            }
        }
        if let count = response.fields[.contentLength].flatMap({ Int($0) }) {
            response.body = try take(count)
        } else {
            while try readMore() {}
            response.body = received.withLock { bytes in
                defer { bytes = [] }
                return bytes
            }
        }
        return response
    }

    private func take(until end: [UInt8]) throws -> [UInt8] {
        while true {
            let found = received.withLock { bytes -> [UInt8]? in
                guard let range = bytes.firstRange(of: end) else { return nil }
                defer { bytes.removeFirst(range.upperBound) }
                return Array(bytes[..<range.lowerBound])
            }
            if let found { return found }
            guard try readMore() else { throw WireError(what: "the server has closed the connection") }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.withLock({ $0.count }) < count {
            guard try readMore() else { throw WireError(what: "the server has closed the connection in a body") }
        }
        return received.withLock { bytes in
            defer { bytes.removeFirst(count) }
            return Array(bytes[..<count])
        }
    }

    /// `false` at the end.
    private func readMore() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = recv(socket, &buffer, buffer.count, 0)
        // With a limit to its wait, Linux takes none up again that a signal has interrupted.
        while count < 0, errno == EINTR { count = recv(socket, &buffer, buffer.count, 0) }
        guard count >= 0 else { throw WireError(what: "receiving failed: \(errno)") }
        received.withLock { $0 += buffer[..<count] }
        return count > 0
    }

    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value
    {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}

/// What went wrong on the wire.
package struct WireError: Error, CustomStringConvertible {
    package let what: String
    package var description: String { what }
}

// C functions, where no method of a type has their names.

private func connectToLoopback(_ port: Int) throws -> Int32 {
    #if canImport(Glibc)
    let type = Int32(SOCK_STREAM.rawValue)
    #else
    let type = SOCK_STREAM
    #endif
    let descriptor = socket(AF_INET, type, 0)
    guard descriptor >= 0 else { throw WireError(what: "no socket: \(errno)") }
    // A server that never answers fails the test, and does not stop the suite.
    var limit = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard status == 0 else {
        close(descriptor)
        throw WireError(what: "cannot connect to \(port): \(errno)")
    }
    return descriptor
}

private func push(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if canImport(Darwin)
    send(descriptor, bytes.baseAddress, bytes.count, 0)
    #else
    send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #endif
}
