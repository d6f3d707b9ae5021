#if !Mongo
/// Keeps records in a MongoDB database, when the package's trait `Mongo` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Mongo of swift-sessions: .package(url: …, from: …, traits: [\"Mongo\"])"
)
public final class MongoSessionStore: Sendable {
    /// How a store uses its database, when the trait is enabled.
    public struct Configuration: Sendable {
        /// Never called: the type is unavailable.
        public init() {}
    }

    /// Never called: the type is unavailable.
    public init(_ connection: String, configuration: Configuration = Configuration()) async throws {}
}
#endif
