import Sessions
import SessionsTesting
import Synchronization
import TestServers

/// Something that goes wrong while a history runs.
struct HistoryFault: Sendable {
    let name: String
    /// Lets it happen. When it returns nothing is wrong any more, and every node has to serve again by itself.
    let strike: @Sendable () async throws -> Void
    /// Starts again what it has ended, also what ends only some time after it.
    let restart: @Sendable () async throws -> Void

    init(
        _ name: String,
        restart: @escaping @Sendable () async throws -> Void = {},
        _ strike: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.restart = restart
        self.strike = strike
    }
}

// MARK: Nodes

extension HistoryFault {
    /// A node is killed in the middle of whatever it does, and started again.
    static func killed(_ node: ProcessNode) -> HistoryFault {
        HistoryFault("a node killed") {
            await node.crash()
            try await node.start()
        }
    }

    /// A node's clock is set forward, back beyond where it was, and right again: by so much that sessions are too old in
    /// between, or younger than nothing.
    static func steps(of clock: SteppedClock) -> HistoryFault {
        HistoryFault("a node's clock steps") {
            for seconds in [2, -3, 15, -15, 0] {
                clock.offset = .seconds(seconds)
                try await Task.sleep(for: .milliseconds(150))
            }
        }
    }
}

/// The system's clock, as somebody has set it.
final class SteppedClock: SessionClock {
    /// A moment by the right time, and the latest step before it.
    struct Moment {
        fileprivate let time: Timestamp
        fileprivate let step: Int
    }

    private let system = SystemSessionClock()
    /// What it has been ahead of the right time.
    private let steps = Mutex([Duration.zero])

    /// What it is ahead of the right time.
    var offset: Duration {
        get { steps.withLock { $0[$0.count - 1] } }
        set { steps.withLock { $0.append(newValue) } }
    }

    var moment: Moment {
        let step = steps.withLock { $0.count - 1 }
        return Moment(time: system.now(), step: step)
    }

    /// The earliest that it can have said since.
    func earliest(since moment: Moment) -> Timestamp {
        moment.time + (steps.withLock { $0[moment.step...].min() } ?? .zero)
    }

    func now() -> Timestamp { system.now() + offset }

    func sleep(for duration: Duration) async throws { try await system.sleep(for: duration) }
}

/// A node in this process, with a clock that may step.
struct SteppedNode: HistoryNode {
    let node: LocalHistoryNode
    let clock: SteppedClock

    func serve(_ request: HistoryRequest) async -> HistoryResponse {
        let began = clock.moment
        var response = await node.serve(request)
        // The manager looked at its clock in between, perhaps after a step back and before one forward.
        response.found?.now = clock.earliest(since: began).microseconds
        return response
    }
}

// MARK: Disks

extension HistoryFault {
    /// The disk is full for a moment.
    ///
    /// - Parameter restart: Starts again what a full disk has ended.
    static func full(
        _ disk: SmallDisk,
        restart: @escaping @Sendable () async throws -> Void = {}
    ) -> HistoryFault {
        HistoryFault(disk.isMounted ? "a full disk" : "a disk where no file grows", restart: restart) {
            for _ in 0..<3 {
                try disk.fill()
                // Before anything else: a test's own files may be on it.
                do {
                    try await Task.sleep(for: .milliseconds(200))
                } catch {
                    try disk.free()
                    throw error
                }
                try disk.free()
                try await restart()
            }
        }
    }
}

// MARK: Networks

extension HistoryFault {
    /// What networks do to the connections that go through `proxies`, of which each is some nodes' way to the server.
    ///
    /// - Parameter writes: What commands or statements that write hold.
    static func network(_ proxies: [FaultProxy], writes: [String]) -> [HistoryFault] {
        [
            HistoryFault("connections cut") {
                for _ in 0..<5 {
                    for proxy in proxies { proxy.cut() }
                    try await Task.sleep(for: .milliseconds(60))
                }
            },
            HistoryFault("connections refused") {
                for proxy in proxies {
                    proxy.refuse()
                    try await Task.sleep(for: .milliseconds(150))
                    proxy.acceptAgain()
                }
            },
            HistoryFault("connections half cut: requests arrive, replies do not") {
                for proxy in proxies {
                    proxy.dropReplies()
                    try await Task.sleep(for: .milliseconds(250))
                    proxy.cut()
                    proxy.dropReplies(false)
                }
            },
            HistoryFault("replies and requests lost, and replies cut in the middle") {
                for _ in 0..<12 {
                    for proxy in proxies {
                        for write in writes { proxy.next(.loseReply, to: write) }
                        proxy.next(.loseRequest)
                        proxy.next(.cutReply(after: 9))
                    }
                    try await Task.sleep(for: .milliseconds(40))
                }
                for proxy in proxies { proxy.clear() }
            },
            HistoryFault("a slow server") {
                for _ in 0..<8 {
                    for proxy in proxies { proxy.hold() }
                    try await Task.sleep(for: .milliseconds(60))
                    for proxy in proxies { proxy.release() }
                    try await Task.sleep(for: .milliseconds(5))
                }
            },
        ]
    }
}
