#if !Postgres
/// Tells other nodes of changes by way of a PostgreSQL server, when the package's trait `Postgres` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Postgres of swift-sessions: .package(url: …, from: …, traits: [\"Postgres\"])"
)
public final class PostgresInvalidationFeed: Sendable {
    /// Never called: the type is unavailable.
    public init() {}
}
#endif
