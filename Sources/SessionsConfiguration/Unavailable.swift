#if !Configuration
public import Sessions

extension CompasSettings {
    /// Never called: it stands in for the one that takes a `ConfigReader` while the package's trait `Configuration` is off.
    @available(
        *,
        unavailable,
        message: "enable the trait Configuration of swift-sessions: .package(url: …, traits: [\"Configuration\"])"
    )
    public init<Reader>(_ config: Reader) throws(SessionConfigurationError) {
        try self.init(environment: nil)
    }
}
#endif
