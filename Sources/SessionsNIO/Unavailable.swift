#if !NIO
/// Stands in for the adapter while its trait is off.
@available(
    *,
    unavailable,
    message: "Enable the trait: .package(url: …/swift-sessions, from: …, traits: [\"NIO\"])"
)
public struct SessionResponseWriter {}
#endif
