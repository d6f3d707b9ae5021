#if !Postgres
/// The records of a Node service on connect-pg-simple, when the package's trait `Postgres` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Postgres of swift-sessions: .package(url: …, from: …, traits: [\"Postgres\"])"
)
public final class ConnectPgSimpleStore: Sendable {
    /// Never called: the type is unavailable.
    public init(_ connection: String) async throws {}
}
#endif
