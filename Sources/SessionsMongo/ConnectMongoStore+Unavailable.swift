#if !Mongo
/// The records of a Node service on connect-mongo, when the package's trait `Mongo` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Mongo of swift-sessions: .package(url: …, from: …, traits: [\"Mongo\"])"
)
public final class ConnectMongoStore: Sendable {
    /// Never called: the type is unavailable.
    public init(_ connection: String) async throws {}
}
#endif
