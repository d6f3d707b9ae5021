#if Postgres
/// The statements of the store contract.
///
/// Each is one statement and one transaction, under READ COMMITTED, where a write that waited for another one's row lock goes
/// on with the row as that one left it: its conditions are looked at again, and its values computed anew.
struct PostgresStatements: Sendable {
    let load: PostgresStatement
    let insert: PostgresStatement
    let replace: PostgresStatement
    let touch: PostgresStatement
    let delete: PostgresStatement
    let deleteVersion: PostgresStatement
    let deleteOwned: PostgresStatement
    let sweep: PostgresStatement
    let sweepEpochs: PostgresStatement
    let entriesOfOwner: PostgresStatement
    let entriesAfter: PostgresStatement
    let count: PostgresStatement
    let clear: PostgresStatement
    let epoch: PostgresStatement
    let raiseEpoch: PostgresStatement

    init(_ schema: PostgresSchema) {
        let (records, epochs) = (schema.records, schema.epochs)
        let columns = "payload, version, idle_deadline, absolute_deadline, owner"
        let record: [PostgresStatement.Parameter] = [.bytea, .bigint, .timestamptz, .timestamptz, .bytea]
        load = PostgresStatement("load", .load, [.text], "SELECT \(columns) FROM \(records) WHERE key = $1")
        insert = PostgresStatement(
            "insert",
            .write,
            [.text] + record,
            "INSERT INTO \(records) (key, \(columns)) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING"
        )
        // Where nothing was replaced, the current record is read with a row lock: unlike a plain SELECT, which would show
        // what was there when the statement began, that goes to the newest version of the row. It has to be a lock that
        // writers take: FOR KEY SHARE is content with the old version.
        replace = PostgresStatement(
            "replace",
            .write,
            [.text, .bigint] + record,
            """
            WITH replaced AS (\
            UPDATE \(records) SET payload = $3, version = $4, idle_deadline = $5, absolute_deadline = $6, owner = $7 \
            WHERE key = $1 AND version = $2 RETURNING 1\
            ), current AS (\
            SELECT \(columns) FROM \(records) WHERE key = $1 AND NOT EXISTS (SELECT FROM replaced) FOR NO KEY UPDATE\
            ) \
            SELECT NULL::bytea, NULL::bigint, NULL::timestamptz, NULL::timestamptz, NULL::bytea, true FROM replaced \
            UNION ALL SELECT \(columns), false FROM current
            """
        )
        touch = PostgresStatement(
            "touch",
            .write,
            [.text, .bigint, .timestamptz],
            "UPDATE \(records) SET idle_deadline = greatest(idle_deadline, $3) WHERE key = $1 AND version = $2"
        )
        delete = PostgresStatement("delete", .write, [.text], "DELETE FROM \(records) WHERE key = $1")
        deleteVersion = PostgresStatement(
            "delete_version",
            .write,
            [.text, .bigint],
            "DELETE FROM \(records) WHERE key = $1 AND version = $2"
        )
        deleteOwned = PostgresStatement(
            "delete_owned",
            .write,
            [.text, .bytea],
            "DELETE FROM \(records) WHERE key = $1 AND owner = $2"
        )
        // A row that somebody works on is left for the next time. One that has just been touched or replaced is looked at
        // again as it is now, before it is locked.
        sweep = PostgresStatement(
            "sweep",
            .scan,
            [.timestamptz, .bigint],
            """
            DELETE FROM \(records) WHERE key = ANY (ARRAY(\
            SELECT key FROM \(records) WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            """
        )
        sweepEpochs = PostgresStatement(
            "sweep_epochs",
            .scan,
            [.timestamptz, .bigint],
            """
            DELETE FROM \(epochs) WHERE owner = ANY (ARRAY(\
            SELECT owner FROM \(epochs) WHERE kept_until < $1 ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED))
            """
        )
        entriesOfOwner = PostgresStatement(
            "entries_of_owner",
            .scan,
            [.bytea],
            "SELECT \(columns), key FROM \(records) WHERE owner = $1"
        )
        entriesAfter = PostgresStatement(
            "entries_after",
            .scan,
            [.text, .bigint],
            "SELECT \(columns), key FROM \(records) WHERE key > $1 ORDER BY key LIMIT $2"
        )
        count = PostgresStatement("count", .scan, [], "SELECT count(*) FROM \(records)")
        clear = PostgresStatement(
            "clear",
            .scan,
            [.text, .bigint],
            """
            WITH page AS MATERIALIZED (SELECT key FROM \(records) WHERE key > $1 ORDER BY key LIMIT $2), \
            deleted AS (DELETE FROM \(records) WHERE key = ANY (ARRAY(SELECT key FROM page)) RETURNING 1) \
            SELECT count(*), max(key) FROM page
            """
        )
        epoch = PostgresStatement("epoch", .load, [.bytea], "SELECT epoch FROM \(epochs) WHERE owner = $1")
        raiseEpoch = PostgresStatement(
            "raise_epoch",
            .write,
            [.bytea, .timestamptz, .timestamptz],
            """
            INSERT INTO \(epochs) AS present (owner, epoch, kept_until) VALUES ($1, $2, $3) \
            ON CONFLICT (owner) DO UPDATE SET epoch = greatest(present.epoch, excluded.epoch), \
            kept_until = greatest(present.kept_until, excluded.kept_until)
            """
        )
    }

    /// All of them.
    var all: [PostgresStatement] {
        [
            load, insert, replace, touch, delete, deleteVersion, deleteOwned, sweep, sweepEpochs, entriesOfOwner,
            entriesAfter, count, clear, epoch, raiseEpoch,
        ]
    }
}
#endif
