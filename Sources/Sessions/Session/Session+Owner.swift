extension Session {
    /// The live sessions of this session's owner, the one seen last first; none if it has no owner.
    ///
    /// The same as ``SessionManager/list(_:)``, and counted in this request's ``ExchangeReport/roundTrips``.
    ///
    /// - Throws: ``SessionError/Code/unsupported`` if the store has no index of owners;
    ///   ``SessionError/Code/storeUnavailable``.
    public func listSessions() async throws -> [SessionSummary] {
        guard let owner else { return [] }
        return try await index.list(owner)
    }

    /// Ends one session of this session's owner: "sign out there". Its own handle logs this session out.
    ///
    /// The store checks the owner in the same operation (checklist ID-12).
    ///
    /// - Returns: whether there was such a session.
    /// - Throws: ``SessionError/Code/unsupported``, ``SessionError/Code/storeUnavailable``.
    @discardableResult
    public func revokeSession(_ handle: SessionHandle) async throws -> Bool {
        guard let owner else { return false }
        guard handle != self.handle else {
            logOut()
            return true
        }
        return try await index.revoke(handle, of: owner)
    }

    /// Ends all other sessions of this session's owner: "sign out everywhere else".
    ///
    /// After a ``logIn(_:keeping:)`` in the same request it ends those from before: what a password reset wants.
    ///
    /// A session that lives in its cookie, or that has not moved from another system, outlives this under a new credential.
    /// An application that commits by itself (``SessionOptions/explicitCommit``) has to ``save()`` it.
    ///
    /// - Returns: how many ended.
    /// - Throws: ``SessionError``; ``SessionError/Code/unsupported`` if the store has no index of owners.
    @discardableResult
    public func revokeOthers() async throws -> Int {
        guard let owner else { return 0 }
        return try await index.revokeOthers(of: owner, than: handle, in: exchange)
    }

    private var index: OwnerIndex { OwnerIndex(manager: exchange.manager, exchange: exchange) }
}
