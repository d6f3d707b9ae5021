#if SQLite
/// Calls in the order they came: added at the end, taken from the front.
///
/// Adding one costs the same whatever waits, and taking some costs what is taken. An array alone would move everything
/// that still waits, each time, under the queue's lock.
struct WaitingCalls {
    private var calls: [PendingCall] = []
    /// How many at the front of `calls` are taken already.
    private var taken = 0

    var count: Int { calls.count - taken }

    var isEmpty: Bool { count == 0 }

    var first: PendingCall? { isEmpty ? nil : calls[taken] }

    mutating func append(_ call: PendingCall) {
        calls.append(call)
    }

    /// Takes the first `count` calls, or all if there are fewer.
    mutating func take(_ count: Int) -> [PendingCall] {
        if count >= calls.count, taken == 0 {
            defer { calls = [] }
            return calls
        }
        let end = min(taken + count, calls.count)
        let result = Array(calls[taken..<end])
        taken = end
        // Moves no more calls than were taken since the last time.
        if taken * 2 >= calls.count {
            calls.removeFirst(taken)
            taken = 0
        }
        return result
    }

    /// Takes the calls in front that began at `moment` or earlier.
    mutating func take(until moment: ContinuousClock.Instant) -> [PendingCall] {
        take(calls[taken...].prefix { $0.began <= moment }.count)
    }
}
#endif
