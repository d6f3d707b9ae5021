/// What a store keeps for one session.
///
/// A store never looks inside ``payload``; everything it may act on is beside it.
public struct StoredRecord: Sendable, Hashable {
    /// The session's content, encoded by the manager. Any bytes, from none to the manager's size limit.
    public var payload: [UInt8]

    /// The commit that wrote this record.
    public var version: RecordVersion

    /// The end of the idle time. A touch moves it, and nothing else of the record.
    public var idleDeadline: Timestamp

    /// The end of the session's life, whatever happens before.
    public var absoluteDeadline: Timestamp

    /// The user the session is logged in as; `nil` before login.
    public var owner: OwnerKey?

    /// Creates a record.
    public init(
        payload: [UInt8],
        version: RecordVersion,
        idleDeadline: Timestamp,
        absoluteDeadline: Timestamp,
        owner: OwnerKey? = nil
    ) {
        self.payload = payload
        self.version = version
        self.idleDeadline = idleDeadline
        self.absoluteDeadline = absoluteDeadline
        self.owner = owner
    }

    /// The earlier of the two deadlines: from this moment on the session is over.
    public var expiresAt: Timestamp { min(idleDeadline, absoluteDeadline) }
}

/// A record together with the key it is kept under.
public struct StoredEntry: Sendable, Hashable {
    /// The record's key.
    public var key: StoreKey

    /// The record.
    public var record: StoredRecord

    /// Creates an entry.
    public init(key: StoreKey, record: StoredRecord) {
        self.key = key
        self.record = record
    }
}

/// The identity of the commit that wrote a record: a random 64-bit number, never zero.
///
/// It is random and not counted, so that a commit whose reply was lost recognises its own work, and so that a record
/// that was deleted and made again never carries a version that an old request still holds.
public struct RecordVersion: Sendable, Hashable {
    /// The number. A store may keep it as a signed 64-bit integer with the same bits.
    public let rawValue: UInt64

    /// The version with the given number, as a store finds it in its database.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// A version that no other commit has, from the system's random number generator.
    public static func random() -> RecordVersion {
        RecordVersion(rawValue: .random(in: 1 ... .max))
    }
}
