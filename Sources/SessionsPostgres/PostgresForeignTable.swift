#if Postgres
import Sessions

/// Another system's table, made by that system or, if it is missing and that is wanted, by us.
struct PostgresForeignTable: PostgresTables {
    /// With its schema, quoted.
    let table: String
    /// The columns that it must have, as a condition on `pg_attribute`, and how many those are.
    let columns: (condition: String, count: Int)
    /// What makes it; `nil` if that is not wanted.
    let definition: String?
    /// The error if it is not there, or has other columns.
    let missing: SessionStoreError
    let timeZone: String?
    let deadline: Duration
    let statements: [PostgresStatement]

    var settings: String? { timeZone.map { "SET TimeZone = \(Self.literal($0))" } }

    func make(_ link: PostgresLink) throws {
        let end = ContinuousClock.now + deadline
        if try !isThere(link, until: end), let definition {
            // One that makes it waits for another, and then finds it there.
            try link.query("BEGIN; SELECT pg_advisory_xact_lock(\(Self.lock))", until: end)
            try link.query(try isThere(link, until: end) ? "COMMIT" : "\(definition); COMMIT", until: end)
        }
        guard try isThere(link, until: end) else { throw missing }
    }

    /// Whether there is such a table; refuses one with other columns.
    ///
    /// All of it at one moment: `to_regclass` alone would see what has been committed since the statement began, and tell of a
    /// table without its columns.
    private func isThere(_ link: PostgresLink, until end: ContinuousClock.Instant) throws -> Bool {
        let name = Self.literal(table)
        let row = try link.query(
            """
            SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(\(name))), (SELECT count(*) FROM pg_attribute \
            WHERE attrelid = to_regclass(\(name)) AND NOT attisdropped AND (\(columns.condition)))
            """,
            until: end
        ).first
        guard let row, row.count == 2, row[0] == "t" else { return false }
        guard row[1] == String(columns.count) else { throw missing }
        return true
    }

    /// A number of this package's choosing.
    private static let lock: Int64 = 0x7363_6F6E_6E65_6374

    /// The name of a table with its schema, in quotation marks.
    ///
    /// - Throws: ``SessionConfigurationError`` if one of `names` is none that a table, a schema or a time zone can have.
    static func name(
        _ schema: String,
        _ table: String,
        _ others: [String] = []
    ) throws(SessionConfigurationError) -> String {
        for name in [schema, table] + others {
            guard !name.isEmpty, name.utf8.count <= 63, !name.utf8.contains(0) else {
                throw SessionConfigurationError(
                    .store,
                    "schemaName, tableName and timeZone are names of 1 to 63 bytes, none of which is zero. Correct them."
                )
            }
        }
        return "\(quoted(schema)).\(quoted(table))"
    }

    /// Refuses a confirmation that another system's table does not have.
    static func check(_ configuration: PostgresSessionStore.Configuration) throws {
        try configuration.validate()
        guard configuration.confirmation != .unlogged else {
            throw SessionConfigurationError(
                .store,
                "The other system's table is a logged one. Set confirmation to .unflushed, .flushed or .standbys."
            )
        }
    }

    private static func quoted(_ name: String) -> String {
        // By bytes: a quotation mark with an accent is another character, and still ends a name.
        let quote = UInt8(ascii: "\"")
        let bytes = name.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return "\"" + String(decoding: bytes, as: UTF8.self) + "\""
    }

    private static func literal(_ text: String) -> String {
        // `E` with doubled backslashes means the same whatever `standard_conforming_strings` says. By bytes: a quotation mark
        // with an accent is another character, and still ends a text.
        let bytes = text.utf8.flatMap { "'\\".utf8.contains($0) ? [$0, $0] : [$0] }
        return "E'" + String(decoding: bytes, as: UTF8.self) + "'"
    }
}

extension PostgresRows {
    /// The record in two columns: its JSON, and when it expires.
    func foreignRecord(_ row: Int) throws -> StoredRecord {
        StoredRecord(foreign: bytes(row, 0), until: try time(row, 1))
    }

    /// What came of a replacement. Its statement returns no row if there was none to replace; else the third column
    /// says whether it was replaced, and the others have the record if not.
    func foreignReplacement() throws -> ReplaceOutcome {
        guard count > 0 else { return .gone }
        return bool(0, 2) ? .replaced : .conflict(try foreignRecord(0))
    }
}
#endif
