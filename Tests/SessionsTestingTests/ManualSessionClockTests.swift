import Sessions
import SessionsTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct ManualSessionClockTests {
    private let start = Timestamp(microseconds: 1_000_000)

    @Test("The clock stands still until it is moved, and may be moved back")
    func now() {
        let clock = ManualSessionClock(start)
        #expect(clock.now() == start)
        clock.advance(by: .seconds(2))
        #expect(clock.now() == start + .seconds(2))
        clock.advance(by: .seconds(-3))
        #expect(clock.now() == start - .seconds(1))
        clock.set(.distantFuture)
        #expect(clock.now() == .distantFuture)
    }

    @Test("A sleeper wakes when its time has come, and not before")
    func sleep() async throws {
        let clock = ManualSessionClock(start)
        let sleeper = Task {
            try await clock.sleep(for: .seconds(10))
            return clock.now()
        }
        try await clock.waitForSleepers()
        clock.advance(by: .seconds(10) - .microseconds(1))
        // Still asleep, or this would wait for ever.
        try await clock.waitForSleepers(1)
        clock.advance(by: .microseconds(1))
        #expect(try await sleeper.value == start + .seconds(10))
    }

    @Test("Only sleepers whose time has come wake, and moving back keeps nobody asleep longer")
    func sleepers() async throws {
        let clock = ManualSessionClock(start)
        let first = Task { try await clock.sleep(for: .seconds(10)) }
        let second = Task { try await clock.sleep(for: .seconds(20)) }
        try await clock.waitForSleepers(2)
        clock.set(start - .seconds(100))
        clock.set(start + .seconds(10))
        try await first.value
        try await clock.waitForSleepers(1)
        clock.set(start + .seconds(20))
        try await second.value
    }

    @Test("A sleep of no time does not suspend")
    func noSleep() async throws {
        let clock = ManualSessionClock(start)
        try await clock.sleep(for: .zero)
        try await clock.sleep(for: .seconds(-1))
    }

    @Test("A cancelled sleeper and a cancelled wait throw CancellationError")
    func cancellation() async throws {
        let clock = ManualSessionClock(start)
        let sleeper = Task { try await clock.sleep(for: .seconds(10)) }
        let waiter = Task { try await clock.waitForSleepers(2) }
        try await clock.waitForSleepers(1)
        sleeper.cancel()
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        await #expect(throws: CancellationError.self) { try await waiter.value }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(for: .seconds(10))
        }
        await #expect(throws: CancellationError.self) { try await late.value }
    }
}
