#if !Redis
/// Keeps records in Redis or Valkey, when the package's trait `Redis` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Redis of swift-sessions: .package(url: …, from: …, traits: [\"Redis\"])"
)
public final class RedisSessionStore: Sendable {
    /// How a store uses its server, when the trait is enabled.
    public struct Configuration: Sendable {
        /// Never called: the type is unavailable.
        public init() {}
    }

    /// Never called: the type is unavailable.
    public init(url: String, configuration: Configuration = Configuration()) throws {}
}
#endif
