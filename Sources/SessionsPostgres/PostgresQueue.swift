#if Postgres
/// Calls in the order they came: added at the end, taken from the front.
///
/// Adding one costs the same whatever waits, and taking some costs what is taken.
struct PostgresQueue {
    private var calls: [PostgresCall] = []
    /// How many at the front of `calls` are taken already.
    private var taken = 0

    var count: Int { calls.count - taken }

    var isEmpty: Bool { count == 0 }

    var first: PostgresCall? { isEmpty ? nil : calls[taken] }

    mutating func append(_ call: PostgresCall) {
        calls.append(call)
    }

    /// Puts calls that were taken back in front.
    mutating func putBack(_ returned: [PostgresCall]) {
        calls.replaceSubrange(..<taken, with: returned)
        taken = 0
    }

    /// Takes the first `count` calls, or all if there are fewer.
    mutating func take(_ count: Int) -> [PostgresCall] {
        let end = taken + min(count, self.count)
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
    mutating func take(until moment: ContinuousClock.Instant) -> [PostgresCall] {
        take(calls[taken...].prefix { $0.began <= moment }.count)
    }
}
#endif
