public import Logging
public import ServiceLifecycle

/// Collects a store's expired records from time to time, as a service.
///
/// Run one in every process, beside the server. Several on one database do no harm: each sweep is bounded, and the
/// pauses are random so that processes started together drift apart (checklist ST-07).
///
/// A store that fails is logged and tried again after the next pause; the service goes on. It ends, without an error,
/// on graceful shutdown and on cancellation.
public struct SessionSweeper: Service {
    private let store: any SweepingSessionStore
    private let interval: Duration
    private let batch: Int
    private let skewAllowance: Duration
    private let clock: any SessionClock
    private let logger: Logger

    /// Creates a sweeper.
    ///
    /// - Parameters:
    ///   - store: The store whose expired records are collected.
    ///   - interval: The pause after a sweep. Each one is chosen at random between three and five quarters of it. By
    ///     default one minute.
    ///   - batch: The most records that are deleted in one call of the store. By default 1000.
    ///   - skewAllowance: How long after its deadline a record is collected at the earliest, so that no machine
    ///     whose clock is late finds a session gone that it still takes for live. By default one minute.
    ///   - clock: Tells the time, and waits.
    ///   - logger: Gets a line at debug level for each sweep that collected something, and a warning for each failure.
    /// - Throws: ``SessionConfigurationError`` with code `limit` if `interval` or `batch` is not positive or
    ///   `skewAllowance` is negative.
    public init(
        store: any SweepingSessionStore,
        interval: Duration = .seconds(60),
        batch: Int = 1000,
        skewAllowance: Duration = .seconds(60),
        clock: any SessionClock = SystemSessionClock(),
        logger: Logger = Logger(label: "sessions.sweeper")
    ) throws {
        guard interval > .zero else {
            throw SessionConfigurationError(.limit, "A sweeper needs a pause. Set interval to more than zero.")
        }
        guard batch > 0 else {
            throw SessionConfigurationError(
                .limit,
                "A sweeper that deletes \(batch) records does nothing. Raise batch."
            )
        }
        guard skewAllowance >= .zero else {
            throw SessionConfigurationError(
                .limit,
                "A negative skewAllowance would collect records before their deadline. Set it to zero or more."
            )
        }
        self.store = store
        self.interval = interval
        self.batch = batch
        self.skewAllowance = skewAllowance
        self.clock = clock
        self.logger = logger
    }

    /// Sweeps and pauses, until graceful shutdown or cancellation.
    public func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    let deleted = try await sweepOnce()
                    if deleted > 0 { logger.debug("Collected expired sessions", metadata: ["count": "\(deleted)"]) }
                } catch {
                    guard !Task.isCancelled else { return }
                    logger.warning("Could not collect expired sessions", metadata: ["error": "\(error)"])
                }
                do { try await clock.sleep(for: interval * Double.random(in: 0.75...1.25)) } catch { return }
            }
        }
    }

    /// Collects all that has expired by now, batch after batch, with a short random pause between two.
    ///
    /// - Returns: how many records were deleted.
    /// - Throws: what the store throws, and `CancellationError`.
    @discardableResult
    public func sweepOnce() async throws -> Int {
        let cutoff = clock.now() - skewAllowance
        var total = 0
        while true {
            let deleted = try await store.sweep(expiredBefore: cutoff, limit: batch)
            total += deleted
            guard deleted >= batch else { return total }
            // Requests come before the sweep.
            try await clock.sleep(for: .milliseconds(Int.random(in: 1...20)))
        }
    }
}
