/// A point in time: whole microseconds since 1970-01-01T00:00:00Z.
///
/// Every deadline in a record is a timestamp. It is an integer on purpose: a deadline that went through a floating
/// point number can become `nan`, and a comparison with `nan` never expires (checklist CR-08).
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z. Negative before it.
    public var microseconds: Int64

    /// Creates a timestamp from microseconds since 1970-01-01T00:00:00Z.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Later than every moment a session can live to.
    public static let distantFuture = Timestamp(microseconds: .max)

    public static func < (lhs: Timestamp, rhs: Timestamp) -> Bool {
        lhs.microseconds < rhs.microseconds
    }

    /// The timestamp `duration` later, or the nearest representable one: the sum never traps.
    public static func + (lhs: Timestamp, duration: Duration) -> Timestamp {
        let (sum, overflow) = lhs.microseconds.addingReportingOverflow(duration.wholeMicroseconds)
        guard overflow else { return Timestamp(microseconds: sum) }
        return Timestamp(microseconds: duration < .zero ? .min : .max)
    }

    /// The timestamp `duration` earlier, or the nearest representable one: the difference never traps.
    public static func - (lhs: Timestamp, duration: Duration) -> Timestamp {
        let (difference, overflow) = lhs.microseconds.subtractingReportingOverflow(duration.wholeMicroseconds)
        guard overflow else { return Timestamp(microseconds: difference) }
        return Timestamp(microseconds: duration < .zero ? .max : .min)
    }

    /// The time from `earlier` to this timestamp; negative if `earlier` is later.
    public func duration(since earlier: Timestamp) -> Duration {
        let (difference, overflow) = microseconds.subtractingReportingOverflow(earlier.microseconds)
        guard overflow else { return .microseconds(difference) }
        return .microseconds(microseconds < 0 ? Int64.min : Int64.max)
    }
}

extension Duration {
    /// This duration in microseconds, rounded towards zero and clamped to what an `Int64` holds.
    package var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (sum, overflowOfSum) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        guard overflow || overflowOfSum else { return sum }
        return seconds < 0 ? .min : .max
    }
}
