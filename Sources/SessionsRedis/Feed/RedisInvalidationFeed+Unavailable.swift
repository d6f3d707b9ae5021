#if !Redis
/// Tells other nodes of changes by way of Redis or Valkey, when the package's trait `Redis` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Redis of swift-sessions: .package(url: …, from: …, traits: [\"Redis\"])"
)
public final class RedisInvalidationFeed: Sendable {
    /// Never called: the type is unavailable.
    public init() {}
}
#endif
