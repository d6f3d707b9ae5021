import Crypto

/// A store on somebody else's table, which has no place for a version: the condition of its writes is that the payload is
/// still the one that was read.
///
/// A table that another system writes to as well has that system's columns and no others. What it does have is the
/// payload, and a payload that has not changed is as good as a version that has not. The bytes are compared as the table's
/// column compares them.
///
/// ## Implementation guidance
///
/// - ``SessionStore/load(_:)`` gives each record ``RecordVersion/init(of:)`` of its payload as its version.
/// - A manager calls the three methods here, never those of ``SessionStore`` that take a version.
/// - Everything else that ``SessionStore`` says holds: each method is atomic, touches one key, and is one round trip.
public protocol PayloadConditionalSessionStore: SessionStore {
    /// Replaces the whole record at `key`, if its payload is still `payload`.
    ///
    /// - Returns: ``ReplaceOutcome/conflict(_:)`` or ``ReplaceOutcome/gone``, and nothing changed, otherwise.
    func replace(_ record: StoredRecord, at key: StoreKey, ifPayload payload: [UInt8]) async throws -> ReplaceOutcome

    /// Moves the idle deadline forward to `deadline`, if the record's payload is still `payload`.
    ///
    /// - Returns: `false`, and nothing changed, if the record is gone or has another payload.
    func touch(_ key: StoreKey, until deadline: Timestamp, ifPayload payload: [UInt8]) async throws -> Bool

    /// Deletes the record at `key`, if its payload is still `payload`.
    ///
    /// - Returns: whether a record was deleted.
    func delete(_ key: StoreKey, ifPayload payload: [UInt8]) async throws -> Bool

    /// Deletes the record at `key`, whatever it says.
    ///
    /// - Returns: whether a record was deleted.
    func delete(_ key: StoreKey) async throws -> Bool
}

extension PayloadConditionalSessionStore {
    public func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        guard let current = try await load(key) else { return .gone }
        guard current.version == version else { return .conflict(current) }
        return try await replace(record, at: key, ifPayload: current.payload)
    }

    public func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool
    {
        guard let current = try await load(key), current.version == version else { return false }
        return try await touch(key, until: deadline, ifPayload: current.payload)
    }

    public func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        guard let version else { return try await delete(key) }
        guard let current = try await load(key), current.version == version else { return false }
        return try await delete(key, ifPayload: current.payload)
    }
}

extension StoredRecord {
    /// A record that another system has written, with what its table says of it.
    ///
    /// - Parameter deadline: When it ends; `nil` for one without an end, which gets one in a hundred years: a time that every
    ///   system can spell.
    package init(foreign payload: [UInt8], until deadline: Timestamp?) {
        self.init(
            payload: payload,
            version: RecordVersion(of: payload),
            idleDeadline: deadline ?? SystemSessionClock().now() + .seconds(36_525 * 86_400),
            absoluteDeadline: .distantFuture
        )
    }
}

extension RecordVersion {
    /// The version of a record in a table that keeps none: the first 64 bits of SHA-256 of its payload.
    public init(of payload: [UInt8]) {
        var hasher = SHA256()
        payload.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        let number = hasher.finalize().prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(rawValue: max(number, 1))
    }
}
