#if !Redis
/// The records of a Node service on connect-redis, when the package's trait `Redis` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait Redis of swift-sessions: .package(url: …, from: …, traits: [\"Redis\"])"
)
public final class ConnectRedisStore: Sendable {
    /// Never called: the type is unavailable.
    public init(url: String, prefix: String = "sess:") throws {}
}
#endif
