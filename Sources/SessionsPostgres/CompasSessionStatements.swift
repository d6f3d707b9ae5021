#if Postgres
/// The statements of the store contract on Compas's table of sessions.
struct CompasSessionStatements: Sendable {
    let load: PostgresStatement
    let insert: PostgresStatement
    let replace: PostgresStatement
    let touch: PostgresStatement
    let delete: PostgresStatement
    let deletePayload: PostgresStatement
    let sweep: PostgresStatement

    init(_ table: String) {
        load = PostgresStatement(
            "load",
            .load,
            [.text],
            "SELECT data::text, expires FROM \(table) WHERE id = $1::uuid"
        )
        insert = PostgresStatement(
            "insert",
            .write,
            [.text, .text, .timestamptz],
            "INSERT INTO \(table) (id, data, expires) VALUES ($1::uuid, $2::jsonb, $3) ON CONFLICT (id) DO NOTHING"
        )
        // See PostgresStatements.replace.
        replace = PostgresStatement(
            "replace",
            .write,
            [.text, .text, .text, .timestamptz],
            """
            WITH replaced AS (\
            UPDATE \(table) SET data = $3::jsonb, expires = $4, "updatedAt" = now() \
            WHERE id = $1::uuid AND data = $2::jsonb RETURNING 1\
            ), current AS (\
            SELECT data::text, expires FROM \(table) \
            WHERE id = $1::uuid AND NOT EXISTS (SELECT FROM replaced) FOR NO KEY UPDATE\
            ) \
            SELECT NULL::text, NULL::timestamptz, true FROM replaced \
            UNION ALL SELECT data, expires, false FROM current
            """
        )
        touch = PostgresStatement(
            "touch",
            .write,
            [.text, .text, .timestamptz],
            """
            UPDATE \(table) SET expires = greatest(expires, $3), "updatedAt" = now() \
            WHERE id = $1::uuid AND data = $2::jsonb
            """
        )
        delete = PostgresStatement("delete", .write, [.text], "DELETE FROM \(table) WHERE id = $1::uuid")
        deletePayload = PostgresStatement(
            "delete_payload",
            .write,
            [.text, .text],
            "DELETE FROM \(table) WHERE id = $1::uuid AND data = $2::jsonb"
        )
        sweep = PostgresStatement(
            "sweep",
            .scan,
            [.timestamptz, .bigint],
            """
            DELETE FROM \(table) WHERE id = ANY (ARRAY(SELECT id FROM \(table) \
            WHERE expires < $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED))
            """
        )
    }

    /// What makes a table with the columns, defaults and index of Compas's migration.
    ///
    /// Ids are always given, so their default is PostgreSQL's own function and needs no extension.
    static func definition(of table: String, isDefault: Bool) -> String {
        """
        CREATE TABLE \(table) (id uuid PRIMARY KEY NOT NULL DEFAULT gen_random_uuid(), \
        expires timestamptz NOT NULL, data jsonb NOT NULL, \
        "createdAt" timestamptz NOT NULL DEFAULT now(), "updatedAt" timestamptz NOT NULL DEFAULT now()); \
        CREATE INDEX \(isDefault ? "\"sessionExpiresIdx\" " : "")ON \(table) (expires)
        """
    }

    /// All of them.
    var all: [PostgresStatement] { [load, insert, replace, touch, delete, deletePayload, sweep] }
}
#endif
