/// One session of an owner, as a list of devices shows it.
public struct SessionSummary: Sendable {
    /// The session's handle: revoke by it.
    public let handle: SessionHandle
    /// When the session began.
    public let createdAt: Timestamp
    /// When the owner logged in.
    public let authenticatedAt: Timestamp?
    /// When a request last moved the idle deadline, to within the renewal interval.
    public let lastSeenAt: Timestamp
    /// When the session ends unless a request uses it before.
    public let expiresAt: Timestamp
    private let values: SessionValues

    init(_ record: LoadedRecord, handle: SessionHandle, configuration: SessionConfiguration) {
        self.handle = handle
        createdAt = record.content.createdAt
        authenticatedAt = record.content.authenticatedAt
        lastSeenAt = record.lastSeen(configuration)
        expiresAt = record.stored.expiresAt
        values = record.content.values
    }

    /// A value of that session, such as the device's name; the key's default if it has none.
    public subscript<Value>(key: SessionKey<Value>) -> Value {
        values.value(key.valueName, as: Value.self) ?? key.defaultValue
    }
}

extension SessionManager {
    /// The live sessions of `owner`, the one seen last first.
    ///
    /// In a handler, ``Session/listSessions()`` lists those of the request's owner.
    ///
    /// - Throws: ``SessionError/Code/unsupported`` if the store has no index of owners;
    ///   ``SessionError/Code/storeUnavailable``.
    public func list(_ owner: some CustomStringConvertible) async throws -> [SessionSummary] {
        try await OwnerIndex(manager: self).list(owner.description)
    }

    /// Ends one session of `owner`: "sign out there".
    ///
    /// The store checks the owner in the same operation, so nobody ends somebody else's session by its handle
    /// (checklist ID-12).
    ///
    /// - Returns: whether there was such a session.
    /// - Throws: ``SessionError/Code/unsupported``, ``SessionError/Code/storeUnavailable``.
    @discardableResult
    public func revoke(_ handle: SessionHandle, of owner: some CustomStringConvertible) async throws -> Bool {
        try await OwnerIndex(manager: self).revoke(handle, of: owner.description)
    }

    /// Ends all sessions of `owner`, but `kept` if one is given: "sign out everywhere".
    ///
    /// The owner's epoch is raised first: a login whose request was opened before it does not count, even if it is
    /// written after the others were listed here.
    ///
    /// - Returns: how many ended.
    /// - Throws: ``SessionError/Code/unsupported``, ``SessionError/Code/storeUnavailable``. Some sessions may have ended
    ///   already; call it again.
    @discardableResult
    public func revokeAll(
        of owner: some CustomStringConvertible,
        keeping kept: SessionHandle? = nil
    ) async throws -> Int {
        try await OwnerIndex(manager: self).revokeAll(of: owner.description, keeping: kept)
    }
}
