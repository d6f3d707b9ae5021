#if !FlyingFox
/// Stands in for the adapter while its trait is off.
@available(
    *,
    unavailable,
    message: "Enable the trait: .package(url: …/swift-sessions, from: …, traits: [\"FlyingFox\"])"
)
public struct SessionHTTPHandler {}
#endif
