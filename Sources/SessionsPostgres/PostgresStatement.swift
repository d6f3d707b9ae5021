#if Postgres
/// A statement that every connection prepares when it is opened.
struct PostgresStatement: Sendable {
    /// The type of a parameter.
    enum Parameter: UInt32, Sendable {
        case bytea = 17
        case bigint = 20
        case text = 25
        case timestamptz = 1184
    }

    /// How calls of a statement share connections.
    enum Kind: Sendable {
        /// Writes nothing, waits for no lock, and finds one row by its key: several share a round trip.
        case load
        /// Has a connection to itself.
        case write
        /// Reads or deletes many rows. It has a connection to itself, and not all connections are taken by such.
        case scan
    }

    /// What it is prepared as.
    let name: String
    let kind: Kind
    let sql: String
    let parameters: [Parameter]

    init(_ name: String, _ kind: Kind, _ parameters: [Parameter], _ sql: String) {
        self.name = name
        self.kind = kind
        self.parameters = parameters
        self.sql = sql
    }
}
#endif
