#if !Postgres
/// Keeps records in a PostgreSQL database, when the package's trait `Postgres` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Postgres of swift-sessions: .package(url: …, from: …, traits: [\"Postgres\"])"
)
public final class PostgresSessionStore: Sendable {
    /// How a store uses its database, when the trait is enabled.
    public struct Configuration: Sendable {
        /// Never called: the type is unavailable.
        public init() {}
    }

    /// Never called: the type is unavailable.
    public init(_ connection: String, configuration: Configuration = Configuration()) async throws {}
}
#endif
