#if !Postgres
/// The records of a Compas service, when the package's trait `Postgres` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Postgres of swift-sessions: .package(url: …, from: …, traits: [\"Postgres\"])"
)
public final class CompasSessionStore: Sendable {
    /// Never called: the type is unavailable.
    public init(_ connection: String) async throws {}
}
#endif
