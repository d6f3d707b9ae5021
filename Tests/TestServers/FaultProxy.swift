import Foundation
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Stands between a client and a server on this machine, and does to their connections what networks do.
///
/// It carries bytes on threads of its own until it is told otherwise: it cuts connections, holds back what comes, loses
/// replies, or cuts one in the middle. It counts what it carries.
package final class FaultProxy: Sendable {
    /// What happens to the reply of a request.
    package enum Fault: Sendable {
        /// The server gets the request; when its reply comes, the connection is cut instead of carrying it.
        case loseReply
        /// The first bytes of the reply are carried, then the connection is cut.
        case cutReply(after: Int)
        /// The request does not reach the server: the connection is cut instead.
        case loseRequest
        /// The reply is kept until `release()`.
        case holdReply
    }

    /// What was carried.
    package struct Traffic: Sendable {
        package var requestBytes = 0
        package var replyBytes = 0
        /// Pieces that `dropReplies()` swallowed.
        package var droppedReplies = 0
        /// How many connections were made.
        package var connections = 0
    }

    /// Where clients connect to.
    package let port: Int

    private struct Rule {
        let pattern: [UInt8]
        let fault: Fault
        var times: Int
    }

    private struct State {
        var serverPort: Int
        var links: [Int: Link] = [:]
        var nextLink = 0
        var rules: [Rule] = []
        var traffic = Traffic()
        /// What is carried, of each connection, while somebody wants to know.
        var capture: [Int: [WireCapture.Piece]]?
        var isHolding = false
        var dropsReplies = false
        var refuses = false
        var isStopped = false
        /// Replies that a rule touched.
        var faults = 0
    }

    /// One client, and the connection to the server made for it.
    private final class Link: Sendable {
        let client: Int32
        let server: Int32
        let pending = Mutex<Fault?>(nil)
        private let open = Mutex(2)

        init(client: Int32, server: Int32) {
            self.client = client
            self.server = server
        }

        /// Ends both connections; their threads see it and go.
        func cut() {
            open.withLock { count in
                // Once they are closed, their numbers may be others'.
                guard count > 0 else { return }
                shutdown(client, Int32(SHUT_RDWR))
                shutdown(server, Int32(SHUT_RDWR))
            }
        }

        /// Called by each of the two threads at its end: the last one closes, so that no number is used again before.
        func leave() {
            open.withLock { count in
                count -= 1
                guard count == 0 else { return }
                close(client)
                close(server)
            }
        }
    }

    private let listener: Int32
    private let state: Mutex<State>
    /// Signalled when what is held may go on.
    private let released = NSCondition()

    /// Listens at a free port, and carries connections on to `serverPort`.
    package init(to serverPort: Int) throws {
        (listener, port) = try Socket.listen()
        state = Mutex(State(serverPort: serverPort))
        // It holds no proxy while it waits: a proxy that is forgotten stops.
        Thread { [listener, weak self] in
            #if !canImport(Darwin)
            // By nobody else: its number would be another's while this thread still accepts there.
            defer { close(listener) }
            #endif
            while true {
                let client = ServerEnvironment.acceptConnection(at: listener)
                if client < 0 {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                guard let self, self.welcome(client) else {
                    shutdown(client, Int32(SHUT_RDWR))
                    close(client)
                    continue
                }
            }
        }.start()
    }

    deinit { stop() }

    /// Cuts everything and listens no more.
    package func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopped = true }
            return !state.isStopped
        }
        guard isFirst else { return }
        cut()
        release()
        shutdown(listener, Int32(SHUT_RDWR))
        #if canImport(Darwin)
        // There a listener that is shut down goes on waiting.
        close(listener)
        #endif
    }

    // MARK: What goes wrong

    /// Cuts every connection there is; new ones are carried.
    package func cut() {
        let links = state.withLock { Array($0.links.values) }
        for link in links { link.cut() }
    }

    /// Cuts every connection there is, and each new one at once, until `acceptAgain()`.
    package func refuse() {
        state.withLock { $0.refuses = true }
        cut()
    }

    /// Carries new connections again.
    package func acceptAgain() { state.withLock { $0.refuses = false } }

    /// Carries new connections to another port from now on; where nobody listens, each is cut at once.
    package func redirect(to serverPort: Int) { state.withLock { $0.serverPort = serverPort } }

    /// Keeps whatever comes, either way, until `release()`.
    package func hold() { state.withLock { $0.isHolding = true } }

    /// Carries on what was held.
    package func release() {
        state.withLock { $0.isHolding = false }
        released.lock()
        released.broadcast()
        released.unlock()
    }

    /// Swallows every reply, and keeps the connections, until told not to.
    package func dropReplies(_ drops: Bool = true) { state.withLock { $0.dropsReplies = drops } }

    /// Does `fault` to the replies of the next `times` pieces that come from clients and hold `pattern`; an empty one is
    /// held by any.
    package func next(_ fault: Fault, to pattern: String = "", times: Int = 1) {
        state.withLock { $0.rules.append(Rule(pattern: Array(pattern.utf8), fault: fault, times: times)) }
    }

    /// Forgets what was to happen next.
    package func clear() { state.withLock { $0.rules = [] } }

    /// How many requests had something done to them by `next(_:to:times:)`.
    package var faultCount: Int { state.withLock { $0.faults } }

    package var traffic: Traffic { state.withLock { $0.traffic } }

    /// Notes what is carried while `body` runs.
    package func capture(_ body: () async throws -> Void) async rethrows -> WireCapture {
        state.withLock { $0.capture = [:] }
        defer { state.withLock { $0.capture = nil } }
        try await body()
        return WireCapture(links: state.withLock { $0.capture?.sorted { $0.key < $1.key }.map(\.value) ?? [] })
    }

    package var connectionCount: Int { state.withLock { $0.links.count } }

    /// Whether what comes is kept at the moment, as `hold()` or a held reply has it.
    package var isHolding: Bool { state.withLock { $0.isHolding } }

    // MARK: Carrying

    private func welcome(_ client: Int32) -> Bool {
        let target: Int? = state.withLock { $0.refuses || $0.isStopped ? nil : $0.serverPort }
        guard let target, let server = ServerEnvironment.connect(to: target) else { return false }
        Socket.configure(client)
        Socket.configure(server)
        let link = Link(client: client, server: server)
        let id: Int? = state.withLock { state in
            // Meanwhile it may have been told to refuse.
            guard !state.refuses, !state.isStopped else { return nil }
            state.nextLink += 1
            state.links[state.nextLink] = link
            state.traffic.connections += 1
            return state.nextLink
        }
        guard let id else {
            close(server)
            return false
        }
        Thread { [self] in carryRequests(of: link, id) }.start()
        Thread { [self] in carryReplies(of: link, id) }.start()
        return true
    }

    private func carryRequests(of link: Link, _ id: Int) {
        defer { leave(link, id) }
        while let bytes = Socket.read(link.client) {
            waitWhileHolding()
            switch fault(for: bytes, on: link) {
            case .loseRequest:
                link.cut()
                return
            case let fault?:
                link.pending.withLock { $0 = fault }
            case nil: break
            }
            // Before it is carried on, so that its answer cannot come first.
            state.withLock { state in
                state.capture?[id, default: []].append(.request(bytes))
                state.traffic.requestBytes += bytes.count
            }
            guard Socket.write(bytes, to: link.server) else { break }
        }
        link.cut()
    }

    private func carryReplies(of link: Link, _ id: Int) {
        defer { leave(link, id) }
        while let bytes = Socket.read(link.server) {
            waitWhileHolding()
            let isDropped = state.withLock { state in
                if state.dropsReplies { state.traffic.droppedReplies += 1 }
                return state.dropsReplies
            }
            if isDropped { continue }
            switch link.pending.withLock({ $0.take() }) {
            case .loseReply:
                link.cut()
                return
            case .cutReply(let count):
                _ = Socket.write(Array(bytes.prefix(count)), to: link.client)
                link.cut()
                return
            case .holdReply:
                hold()
                waitWhileHolding()
            case .loseRequest, nil: break
            }
            state.withLock { state in
                state.capture?[id, default: []].append(.reply(bytes))
                state.traffic.replyBytes += bytes.count
            }
            guard Socket.write(bytes, to: link.client) else { break }
        }
        link.cut()
    }

    private func leave(_ link: Link, _ id: Int) {
        _ = state.withLock { $0.links.removeValue(forKey: id) }
        link.leave()
    }

    private func fault(for bytes: [UInt8], on link: Link) -> Fault? {
        state.withLock { state in
            guard let index = state.rules.firstIndex(where: { bytes.contains($0.pattern) }) else { return nil }
            state.rules[index].times -= 1
            state.faults += 1
            let fault = state.rules[index].fault
            if state.rules[index].times <= 0 { state.rules.remove(at: index) }
            return fault
        }
    }

    private func waitWhileHolding() {
        released.lock()
        while state.withLock({ $0.isHolding && !$0.isStopped }) { released.wait() }
        released.unlock()
    }
}

extension [UInt8] {
    fileprivate func contains(_ pattern: [UInt8]) -> Bool {
        guard !pattern.isEmpty else { return true }
        guard count >= pattern.count else { return false }
        return (0...count - pattern.count).contains { self[$0] == pattern[0] && self[$0...].starts(with: pattern) }
    }
}

/// Blocking sockets on the loopback interface.
private enum Socket {
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let listener = ServerEnvironment.makeSocket()
        guard listener >= 0 else { throw TestServerError("no socket: error \(errno)") }
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) == 0 ? getsockname(listener, pointer, &size) : -1
            }
        }
        guard result == 0, systemListen(listener, 128) == 0 else {
            close(listener)
            throw TestServerError("no free port: error \(errno)")
        }
        return (listener, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func configure(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), Int32(TCP_NODELAY), &on, socklen_t(MemoryLayout<Int32>.size))
        #if canImport(Darwin)
        setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    /// What comes; `nil` at the end.
    static func read(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { return Array(buffer.prefix(count)) }
            if count < 0, errno == EINTR { continue }
            return nil
        }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress.map { $0 + written }, bytes.count - written, noSignal)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    private static var noSignal: Int32 {
        #if canImport(Darwin)
        0
        #else
        Int32(MSG_NOSIGNAL)
        #endif
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

// The name of the system's call is that of a method here.
private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 { listen(descriptor, backlog) }
