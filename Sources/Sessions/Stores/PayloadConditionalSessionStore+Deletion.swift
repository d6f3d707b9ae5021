extension PayloadConditionalSessionStore where Self: EnumerableSessionStore {
    /// Ends the sessions whose payload `matches`: "sign out everywhere" in a table that has no index of owners.
    ///
    /// ```swift
    /// // A service of Node's with Passport keeps its user in passport.user.
    /// let ended = try await store.deleteAll { payload in
    ///     try JSONDecoder().decode(NodeSession.self, from: Data(payload)).passport?.user == "42"
    /// }
    /// ```
    ///
    /// Each session is deleted on the condition that its payload is still the one that matched; one that has changed meanwhile
    /// is looked at again. What there is not is an epoch: a session that begins while this runs may be missed, and a request
    /// of the other system that has read a session before may write it back
    /// (``MissingGuarantees/endedSessionsComeBack``). Have the other system refuse the user's logins first.
    ///
    /// It goes through every session of the table, so it is for a job and not for a request.
    ///
    /// - Parameters:
    ///   - pageSize: how many sessions are in memory at a time, at least 1. Default 1000.
    ///   - matches: whether a session with this payload is to end. What it throws ends the call.
    /// - Returns: how many sessions ended.
    /// - Throws: what the store throws, and what `matches` throws. Some sessions may have ended already; call it again.
    @discardableResult
    public func deleteAll(
        pageSize: Int = 1000,
        where matches: (_ payload: [UInt8]) throws -> Bool
    ) async throws -> Int {
        var (count, last) = (0, StoreKey?.none)
        while true {
            let page = try await entries(after: last, limit: max(pageSize, 1))
            guard let end = page.last?.key else { return count }
            for entry in page where try await delete(entry, where: matches) { count += 1 }
            last = end
        }
    }

    /// Deletes one session for as long as its payload matches; returns whether it did.
    private func delete(_ entry: StoredEntry, where matches: (_ payload: [UInt8]) throws -> Bool) async throws -> Bool {
        var payload = entry.record.payload
        while try matches(payload) {
            if try await delete(entry.key, ifPayload: payload) { return true }
            try Task.checkCancellation()
            guard let current = try await load(entry.key) else { return false }
            payload = current.payload
        }
        return false
    }
}
