#if Postgres
import Sessions

/// The statements of the store contract on connect-pg-simple's table.
///
/// `to_timestamp` becomes a `timestamp` by the connection's time zone, as in connect-pg-simple's statements.
struct ConnectPgSimpleStatements: Sendable {
    let load: PostgresStatement
    let insert: PostgresStatement
    let replace: PostgresStatement
    let touch: PostgresStatement
    let delete: PostgresStatement
    let deletePayload: PostgresStatement
    let sweep: PostgresStatement
    let count: PostgresStatement
    let entriesAfter: PostgresStatement
    let clear: PostgresStatement

    init(_ table: String) {
        load = PostgresStatement(
            "load",
            .load,
            [.text, .bigint],
            "SELECT sess::text, expire::timestamptz FROM \(table) WHERE sid = $1 AND expire >= to_timestamp($2)"
        )
        insert = PostgresStatement(
            "insert",
            .write,
            [.text, .text, .bigint],
            """
            INSERT INTO \(table) (sess, expire, sid) SELECT $2::json, to_timestamp($3), $1 \
            ON CONFLICT (sid) DO NOTHING
            """
        )
        // See PostgresStatements.replace.
        replace = PostgresStatement(
            "replace",
            .write,
            [.text, .text, .text, .bigint],
            """
            WITH replaced AS (\
            UPDATE \(table) SET sess = $3::json, expire = to_timestamp($4) WHERE sid = $1 AND sess::text = $2 RETURNING 1\
            ), current AS (\
            SELECT sess::text, expire::timestamptz FROM \(table) \
            WHERE sid = $1 AND NOT EXISTS (SELECT FROM replaced) FOR NO KEY UPDATE\
            ) \
            SELECT NULL::text, NULL::timestamptz, true FROM replaced \
            UNION ALL SELECT sess, expire, false FROM current
            """
        )
        touch = PostgresStatement(
            "touch",
            .write,
            [.text, .text, .bigint],
            """
            UPDATE \(table) SET expire = greatest(expire, to_timestamp($3)::timestamp) \
            WHERE sid = $1 AND sess::text = $2
            """
        )
        delete = PostgresStatement("delete", .write, [.text], "DELETE FROM \(table) WHERE sid = $1")
        deletePayload = PostgresStatement(
            "delete_payload",
            .write,
            [.text, .text],
            "DELETE FROM \(table) WHERE sid = $1 AND sess::text = $2"
        )
        sweep = PostgresStatement(
            "sweep",
            .scan,
            [.bigint, .bigint],
            """
            DELETE FROM \(table) WHERE sid = ANY (ARRAY(SELECT sid FROM \(table) \
            WHERE expire < to_timestamp($1) ORDER BY expire LIMIT $2 FOR UPDATE SKIP LOCKED))
            """
        )
        count = PostgresStatement("count", .scan, [], "SELECT count(*) FROM \(table)")
        // By bytes, as the contract has it: the column has the database's own order.
        entriesAfter = PostgresStatement(
            "entries_after",
            .scan,
            [.text, .bigint, .bigint],
            """
            SELECT sess::text, expire::timestamptz, sid FROM \(table) \
            WHERE sid COLLATE "C" > $1 AND expire >= to_timestamp($3) ORDER BY sid COLLATE "C" LIMIT $2
            """
        )
        // In the column's own order, which its primary key has. See PostgresStatements.clear.
        clear = PostgresStatement(
            "clear",
            .scan,
            [.text, .bigint],
            """
            WITH page AS MATERIALIZED (SELECT sid FROM \(table) WHERE sid > $1 ORDER BY sid LIMIT $2), \
            deleted AS (DELETE FROM \(table) WHERE sid = ANY (ARRAY(SELECT sid FROM page)) RETURNING 1) \
            SELECT count(*), max(sid) FROM page
            """
        )
    }

    /// What makes a table with the same columns, constraint and index as connect-pg-simple's `table.sql`.
    ///
    /// Their names exist once in a schema, so that a second table has others.
    static func definition(of table: String, isDefault: Bool) -> String {
        let (key, index) = isDefault ? ("CONSTRAINT \"session_pkey\" ", "\"IDX_session_expire\" ") : ("", "")
        return """
            CREATE TABLE \(table) (sid varchar COLLATE "default" NOT NULL, sess json NOT NULL, \
            expire timestamp(6) NOT NULL, \(key)PRIMARY KEY (sid)); \
            CREATE INDEX \(index)ON \(table) (expire)
            """
    }

    /// All of them.
    var all: [PostgresStatement] {
        [load, insert, replace, touch, delete, deletePayload, sweep, count, entriesAfter, clear]
    }
}
#endif
