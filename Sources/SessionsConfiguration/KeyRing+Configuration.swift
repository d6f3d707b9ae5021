#if Configuration
public import Configuration
public import Sessions

extension KeyRing {
    /// The ring with the secrets that swift-configuration reads, of which the first signs and seals.
    ///
    /// ```swift
    /// let keys = try KeyRing(ConfigReader(provider: EnvironmentVariablesProvider()))   // SESSION_KEYS
    /// ```
    ///
    /// They are written as `SessionSecret(encoded:)` reads them, and separated by commas or line ends.
    ///
    /// - Parameters:
    ///   - config: Where they are read from, as a secret: no log of accesses shows them.
    ///   - key: What they are read as. Default `session.keys`.
    /// - Throws: `SessionConfigurationError` with the code `missingSecret` if there are none, and as `SessionSecret(encoded:)`.
    public init(_ config: ConfigReader, forKey key: ConfigKey = "session.keys") throws {
        let text = config.string(forKey: key, isSecret: true) ?? ""
        let entries = text.utf8.split { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\n") }.compactMap { String($0) }
            .filter { !$0.utf8.allSatisfy { [0x09, 0x0D, 0x20].contains($0) } }
        guard !entries.isEmpty else {
            throw SessionConfigurationError(
                .missingSecret,
                "The setting \(key) has no secret. Make one with `openssl rand -base64 32`, and keep it the same across "
                    + "restarts."
            )
        }
        try self.init(entries.map { try SessionSecret(encoded: $0) })
    }
}
#endif
