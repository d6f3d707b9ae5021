import HTTPTypes

/// What a manager has in place of a store, where sessions live in their cookies.
struct SealedBackend: Sendable {
    let codec: any CookieCodec
    /// Where it is kept which sessions have ended.
    let revocations: InstrumentedStore?
    /// The longest that a session of this manager lives: so long an entry is kept.
    let longest: Duration

    /// How far a session's beginning may lie in the future, by the clocks of two machines (checklist CR-08, LC-21).
    static let skew: Duration = .seconds(300)

    /// How long an owner's epoch is kept: no session that it ended lives longer.
    var epochRetention: Duration { longest + Self.skew }

    /// Refuses a session a lifetime that its revocation would not outlast.
    func check(_ lifetime: SessionLifetime) throws(SessionConfigurationError) {
        guard lifetime.absolute <= longest else {
            throw SessionConfigurationError(
                .lifetime,
                "A session in a sealed cookie lives no longer than the manager's lifetimes say (\(longest)), as its "
                    + "revocation is kept that long. Lengthen configuration.lifetime, and shorten it for the others."
            )
        }
    }

    /// For whom a session ends that is destroyed.
    var ending: SessionEnding { revocations == nil ? .forThisClient : .final }

    /// The index of owners' epochs, if there is one.
    var owners: (any OwnerIndexedSessionStore)? { revocations?.store as? any OwnerIndexedSessionStore }

    /// How many calls it takes to find out whether a session has ended.
    func roundTrips(for record: LoadedRecord) -> Int {
        guard revocations != nil else { return 0 }
        return record.stored.owner != nil && owners != nil ? 2 : 1
    }

    /// Whether a session was ended, though its cookie is genuine and its deadlines lie ahead.
    func isRevoked(_ record: LoadedRecord, _ handle: SessionHandle) async throws -> Bool {
        guard let revocations else { return false }
        if try await revocations.load(Self.key(of: handle)) != nil { return true }
        guard let owner = record.stored.owner, let owners else { return false }
        let epoch = try await revocations.measured("session.epoch", revocations.metrics.loadLatency) {
            try await owners.epoch(of: owner)
        }
        // A login says as `rotatedAt` when its request was opened.
        return epoch.map { record.content.rotatedAt <= $0 } ?? false
    }

    /// Why no cookie of a handle counts any more.
    enum Revocation: Sendable {
        /// The session has ended.
        case ended
        /// The session goes on under another handle, with a new credential.
        case renewed

        /// What an entry says that another commit has written.
        init(_ entry: StoredRecord) { self = entry.payload == Self.renewedPayload ? .renewed : .ended }

        var payload: [UInt8] { self == .ended ? [] : Self.renewedPayload }

        private static let renewedPayload: [UInt8] = [1]
    }

    /// The entry that says so, kept until no cookie could count: not one sealed with these lifetimes, and not one that was
    /// sealed with longer ones and is good until `deadline`.
    func entry(_ revocation: Revocation, at now: Timestamp, deadline: Timestamp?) -> StoredRecord {
        let end = max(now + longest, deadline ?? now) + Self.skew
        return StoredRecord(
            payload: revocation.payload,
            version: .random(),
            idleDeadline: end,
            absoluteDeadline: end
        )
    }

    /// Whether a session is older than its revocation would be kept, as the lifetimes were longer when it was sealed.
    func isTooOld(_ record: LoadedRecord, at now: Timestamp) -> Bool {
        now.duration(since: Self.beginning(of: record)) >= longest + Self.skew
    }

    /// Since when the absolute time of a session is counted.
    static func beginning(of record: LoadedRecord) -> Timestamp {
        max(record.content.createdAt, record.content.authenticatedAt ?? record.content.createdAt)
    }

    /// The key of a session's entry; no session's record is ever there.
    static func key(of handle: SessionHandle) -> StoreKey {
        StoreKey("revoked:\(handle)") ?? StoreKey(handle)
    }
}

/// The store of a manager that needs none: asking it is an error.
struct SealedCookieStore: SessionStore {
    func load(_ key: StoreKey) async throws -> StoredRecord? { throw SessionError.needsServer }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws -> Bool { throw SessionError.needsServer }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws -> ReplaceOutcome {
        throw SessionError.needsServer
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async throws -> Bool {
        throw SessionError.needsServer
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async throws -> Bool {
        throw SessionError.needsServer
    }
}

extension SessionError {
    /// What takes somebody who remembers.
    static let needsServer = SessionError(
        .unsupported,
        "The sessions live in their cookies, and no server keeps them: nothing can be consumed once, listed, or revoked "
            + "by its handle. Use a store for that."
    )
}
