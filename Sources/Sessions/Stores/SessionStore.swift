/// Keeps records. The five methods that every store has.
///
/// Every write is conditional: there is no operation that writes whatever is there, and that is the point. A store that
/// follows this contract cannot lose a concurrent change and cannot bring a deleted session back.
///
/// ## Implementation guidance
///
/// - Each method is atomic with respect to every other method on the same key, in this process and in every other one
///   that uses the same database. Read-compare-write in two round trips is not atomic.
/// - Each method touches one key, so that it works on a partitioned database. Each is one round trip.
/// - ``load(_:)`` reads from the primary, and what it returns is what was last acknowledged there. It may return a
///   record whose deadline has passed; the manager decides what has expired.
/// - Deadlines are the manager's. A store may collect a record by its own clock only after
///   ``StoredRecord/expiresAt`` plus an allowance for clock skew, never earlier.
/// - Bytes in, bytes out: a payload comes back exactly as it went in, whatever it contains, up to 1 MB at least.
/// - A record that has an owner is found by ``OwnerIndexedSessionStore/entries(of:)`` no later than its insert or
///   replace returns. Where the index is a separate write, it comes before the record.
/// - An error thrown by a write means that its outcome is unknown. The manager then loads the record and finds out.
///   Throw ``SessionStoreError`` where the reason is known: its text says what an operator should do.
/// - Every method ends within a bounded time, by throwing if need be.
/// - Neither keys nor payloads are logged or put into an error's text.
///
/// The conformance suite in `SessionsTesting` tells an author whether a store is right.
public protocol SessionStore: Sendable {
    /// The record at `key`, expired or not; `nil` if there is none.
    func load(_ key: StoreKey) async throws -> StoredRecord?

    /// Keeps a new record.
    ///
    /// - Returns: `false`, and nothing changed, if there is a record at `key` already (expired or not).
    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool

    /// Replaces the whole record at `key`, if its version is still `version`.
    ///
    /// - Returns: ``ReplaceOutcome/conflict(_:)`` or ``ReplaceOutcome/gone``, and nothing changed, otherwise.
    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome

    /// Moves the idle deadline forward to `deadline`, if the record's version is still `version`.
    ///
    /// Nothing else of the record changes, the version included. A deadline earlier than the present one is no error
    /// and changes nothing: a touch never rewinds.
    ///
    /// - Returns: `false`, and nothing changed, if the record is gone or has another version. `true` otherwise, also
    ///   when the present deadline is later already.
    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool

    /// Deletes the record at `key`, if its version is still `version`, or whatever its version if that is `nil`.
    ///
    /// - Returns: whether a record was deleted.
    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool
}

/// What became of a conditional replace.
public enum ReplaceOutcome: Sendable, Hashable {
    /// The record was replaced.
    case replaced

    /// The record has another version. A store that can do so in the same round trip hands the current record back,
    /// so that a lost race costs one round trip and not two.
    case conflict(StoredRecord?)

    /// There is no record at the key.
    case gone
}

/// A store whose expired records have to be collected.
public protocol SweepingSessionStore: SessionStore {
    /// Deletes records whose ``StoredRecord/expiresAt`` is before `cutoff`, at most `limit` of them.
    ///
    /// Its cost follows what it deletes, not what is stored, and it never deletes a record that was touched or replaced
    /// meanwhile. It also forgets epochs whose time to be kept is over.
    ///
    /// - Returns: how many records were deleted; fewer than `limit` means that none is left.
    func sweep(expiredBefore cutoff: Timestamp, limit: Int) async throws -> Int
}

/// A store that finds the records of an owner and keeps the owner's epoch.
public protocol OwnerIndexedSessionStore: SessionStore {
    /// The records of `owner`, expired ones perhaps among them, in no particular order.
    func entries(of owner: OwnerKey) async throws -> [StoredEntry]

    /// Deletes the record at `key`, if `owner` owns it: the check and the deletion are one operation.
    ///
    /// - Returns: whether a record was deleted.
    func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async throws -> Bool

    /// The owner's epoch; `nil` if none was set or it has been forgotten.
    func epoch(of owner: OwnerKey) async throws -> Timestamp?

    /// Sets the owner's epoch to `epoch`, unless it is later already: an epoch never goes back.
    ///
    /// The store may forget it at `keptUntil`, not before.
    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async throws
}

/// A store that can go through everything it keeps.
public protocol EnumerableSessionStore: SessionStore {
    /// How many records there are, expired ones included.
    func count() async throws -> Int

    /// Up to `limit` entries whose key's text comes after that of `key` in byte order, in that order; from the start if
    /// `key` is `nil`.
    ///
    /// Records that come or go between two calls may be seen or not, and a store may leave out what has expired, as
    /// ``MemorySessionStore`` does; every other record is seen once.
    func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry]

    /// Deletes every record.
    func removeAll() async throws
}
