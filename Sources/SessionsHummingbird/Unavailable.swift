#if !Hummingbird
/// Stands in for the adapter while its trait is off.
@available(
    *,
    unavailable,
    message: "Enable the trait: .package(url: …/swift-sessions, from: …, traits: [\"Hummingbird\"])"
)
public struct SessionMiddleware {}

/// Stands in for the adapter while its trait is off.
@available(
    *,
    unavailable,
    message: "Enable the trait: .package(url: …/swift-sessions, from: …, traits: [\"Hummingbird\"])"
)
public protocol SessionRequestContext {}
#endif
