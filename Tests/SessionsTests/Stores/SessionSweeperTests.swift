import Logging
import ServiceLifecycleTestKit
import Sessions
import SessionsTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct SessionSweeperTests {
    private let clock = ManualSessionClock()
    private let log = LogLines()
    private let store: FaultySessionStore<MemorySessionStore>

    init() throws {
        store = FaultySessionStore(try MemorySessionStore(clock: clock))
    }

    private func sweeper(batch: Int = 1000) throws -> SessionSweeper {
        try SessionSweeper(
            store: store,
            interval: .seconds(100),
            batch: batch,
            skewAllowance: .seconds(60),
            clock: clock,
            logger: Logger(label: "test") { _ in log.handler }
        )
    }

    private func insert(_ count: Int, expiringIn life: Duration) throws {
        for _ in 0..<count {
            let record = StoredRecord(
                payload: [],
                version: .random(),
                idleDeadline: clock.now() + life,
                absoluteDeadline: .distantFuture
            )
            #expect(try store.base.insert(record, at: StoreKey(.random())))
        }
    }

    @Test("It sweeps, waits, and sweeps again; only what the allowance is over for")
    func run() async throws {
        try insert(3, expiringIn: .seconds(10))
        try insert(2, expiringIn: .seconds(100))
        let sweeper = try sweeper()
        let service = Task { await sweeper.run() }
        try await clock.waitForSleepers()
        #expect(store.base.count() == 5)
        clock.advance(by: .seconds(50))
        clock.advance(by: .seconds(24))
        #expect(store.faults.count(of: .sweep) == 1, "the shortest pause is three quarters of the interval")
        clock.advance(by: .seconds(51))
        try await clock.waitForSleepers()
        #expect(store.base.count() == 2, "expired, but the allowance is not over")
        #expect(store.faults.count(of: .sweep) == 2)
        clock.advance(by: .seconds(300))
        try await clock.waitForSleepers()
        #expect(store.base.count() == 0)
        #expect(
            log.lines == ["debug: Collected expired sessions count=3", "debug: Collected expired sessions count=2"]
        )
        service.cancel()
        await service.value
    }

    @Test("ST-07: it sweeps in batches, with a pause in between, until fewer were deleted than a batch")
    func batches() async throws {
        try insert(25, expiringIn: .seconds(1))
        clock.advance(by: .seconds(62))
        let sweeper = try sweeper(batch: 10)
        let sweep = Task { try await sweeper.sweepOnce() }
        for left in [15, 5] {
            try await clock.waitForSleepers()
            #expect(store.base.count() == left)
            clock.advance(by: .milliseconds(20))
        }
        #expect(try await sweep.value == 25)
        #expect(store.base.count() == 0)
        #expect(store.faults.count(of: .sweep) == 3)
    }

    @Test("A store that fails is logged and tried again")
    func failures() async throws {
        try insert(1, expiringIn: .seconds(1))
        clock.advance(by: .seconds(62))
        store.faults.failBefore(.sweep, next: 2, with: SessionStoreError(.unavailable, "Start the database."))
        let sweeper = try sweeper()
        await #expect(throws: SessionStoreError.self) { try await sweeper.sweepOnce() }
        let service = Task { await sweeper.run() }
        try await clock.waitForSleepers()
        #expect(
            log.lines == ["warning: Could not collect expired sessions error=unavailable: Start the database."]
        )
        #expect(store.base.count() == 1)
        clock.advance(by: .seconds(125))
        try await clock.waitForSleepers()
        #expect(store.base.count() == 0)
        service.cancel()
        await service.value
    }

    @Test("Cancellation ends it, while it waits and while it sweeps, without an error in the log")
    func cancellation() async throws {
        let sweeper = try sweeper()
        let waiting = Task { await sweeper.run() }
        try await clock.waitForSleepers()
        waiting.cancel()
        await waiting.value
        let gate = store.faults.hold(.sweep)
        let sweeping = Task { await sweeper.run() }
        try await gate.waitForArrival()
        sweeping.cancel()
        await sweeping.value
        #expect(log.lines.isEmpty)
    }

    @Test("Graceful shutdown ends it")
    func gracefulShutdown() async throws {
        let sweeper = try sweeper()
        try await testGracefulShutdown { shutdown in
            async let service: Void = sweeper.run()
            try await clock.waitForSleepers()
            shutdown.triggerGracefulShutdown()
            await service
        }
        #expect(log.lines.isEmpty)
    }

    @Test("CF-12: settings that make no sense are refused")
    func refusals() throws {
        let store = store.base
        #expect(throws: SessionConfigurationError(.limit, "")) { try SessionSweeper(store: store, interval: .zero) }
        #expect(throws: SessionConfigurationError(.limit, "")) { try SessionSweeper(store: store, batch: 0) }
        #expect(throws: SessionConfigurationError(.limit, "")) {
            try SessionSweeper(store: store, skewAllowance: .seconds(-1))
        }
    }
}

/// Keeps what is logged.
private final class LogLines: Sendable {
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }
    var handler: Handler { Handler(lines: self) }

    struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.sorted().joined()
            lines.state.withLock { $0.append("\(event.level): \(event.message)\(metadata)") }
        }
    }
}
