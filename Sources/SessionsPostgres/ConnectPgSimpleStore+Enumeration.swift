#if Postgres
public import Sessions

/// What express-session calls `length`, `all` and `clear`, and connect-pg-simple leaves out.
extension ConnectPgSimpleStore: EnumerableSessionStore {
    /// How many sessions there are, those that have expired and are not swept yet included; looks at every row.
    public func count() async throws -> Int {
        try await pool.perform(statements.count, PostgresParameters()) { Int(try $0.int64(0, 0)) }
    }

    /// Up to `limit` sessions that have not expired and whose ids come after that of `key`, in the order of their ids' bytes.
    ///
    /// The table's primary key has the database's own order, so each page goes through the whole table. Take large pages, or
    /// make an index on `(sid COLLATE "C")` if you go through a large table often.
    public func entries(after key: StoreKey?, limit: Int) async throws -> [StoredEntry] {
        var (entries, start) = ([StoredEntry](), try Self.start(after: key))
        while entries.count < limit {
            let wanted = limit - entries.count
            var parameters = start
            parameters.append(Int64(wanted))
            parameters.append(Self.seconds(SystemSessionClock().now()))
            let page = try await pool.perform(statements.entriesAfter, parameters) { rows in
                try (0..<rows.count).map { (id: rows.text($0, 2), record: try rows.foreignRecord($0)) }
            }
            // What nobody's cookie could name is no session's key.
            entries += page.compactMap { row in
                StoreKey(foreignID: row.id).map { StoredEntry(key: $0, record: row.record) }
            }
            guard page.count == wanted, let last = page.last else { break }
            start = PostgresParameters()
            start.append(last.id)
        }
        return entries
    }

    private static func start(after key: StoreKey?) throws -> PostgresParameters {
        if let key { return try parameters(key) }
        var start = PostgresParameters()
        start.append("")
        return start
    }

    /// Deletes every session that is there when it is called, by transactions of up to 1000 in the order of their ids.
    public func removeAll() async throws {
        let step = 1000
        var last: String? = ""
        while let id = last {
            var parameters = PostgresParameters()
            parameters.append(id)
            parameters.append(Int64(step))
            last = try await pool.perform(statements.clear, parameters) { rows in
                try rows.int64(0, 0) < step ? nil : rows.text(0, 1)
            }
        }
    }
}
#endif
