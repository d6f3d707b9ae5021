#if Configuration
public import Configuration
public import Sessions

extension SessionConfiguration {
    /// The configuration that swift-configuration reads; what is not there is as by default.
    ///
    /// ```swift
    /// let config = ConfigReader(provider: EnvironmentVariablesProvider())
    /// let configuration = try SessionConfiguration(config.scoped(to: "session"))
    /// ```
    ///
    /// | key | environment variable, scoped to `session` | value |
    /// |---|---|---|
    /// | `application` | `SESSION_APPLICATION` | text |
    /// | `cookie.name`, `cookie.domain`, `cookie.path`, `cookie.companion` | `SESSION_COOKIE_NAME`, … | text |
    /// | `cookie.sameSite` | `SESSION_COOKIE_SAME_SITE` | `strict`, `lax` or `none` |
    /// | `cookie.persistent`, `cookie.partitioned` | `SESSION_COOKIE_PERSISTENT`, … | `true` or `false` |
    /// | `lifetime.idle`, `lifetime.absolute` | `SESSION_LIFETIME_IDLE`, … | seconds |
    /// | `anonymousLifetime.idle`, `anonymousLifetime.absolute` | `SESSION_ANONYMOUS_LIFETIME_IDLE`, … | seconds |
    /// | `renewalInterval`, `rotationInterval` | `SESSION_RENEWAL_INTERVAL`, … | seconds |
    /// | `rolling` | `SESSION_ROLLING` | `true` or `false` |
    ///
    /// A cookie over plain HTTP is no setting of these: `SessionCookie.plainHTTPForDevelopment(name:)` is called
    /// where the program says that it is in development.
    ///
    /// - Throws: `SessionConfigurationError` if a value is there and cannot be read. Whether values are safe and fit together is
    ///   looked at when the manager is made.
    public init(_ config: ConfigReader) throws(SessionConfigurationError) {
        self.init()
        let values = Values(config: config)
        if let name = try values.text("application") { application = name }
        if let name = try values.text("cookie.name") { cookie.name = name }
        cookie.domain = try values.text("cookie.domain")
        if let path = try values.text("cookie.path") { cookie.path = path }
        cookie.companion = try values.text("cookie.companion")
        if let text = try values.text("cookie.sameSite") {
            guard
                let value = CookieAttributes.SameSite.allCases.first(where: {
                    $0.rawValue.lowercased() == text.lowercased()
                })
            else { throw Values.unreadable("cookie.sameSite", "strict, lax or none") }
            cookie.sameSite = value
        }
        if let isPersistent = try values.flag("cookie.persistent") {
            cookie.persistence = isPersistent ? .persistent : .browserSession
        }
        if let isPartitioned = try values.flag("cookie.partitioned") { cookie.partitioned = isPartitioned }
        if let idle = try values.seconds("lifetime.idle") { lifetime.idle = idle }
        if let absolute = try values.seconds("lifetime.absolute") { lifetime.absolute = absolute }
        if let idle = try values.seconds("anonymousLifetime.idle") { anonymousLifetime.idle = idle }
        if let absolute = try values.seconds("anonymousLifetime.absolute") { anonymousLifetime.absolute = absolute }
        if let interval = try values.seconds("renewalInterval") { renewalInterval = interval }
        rotationInterval = try values.seconds("rotationInterval")
        if let isRolling = try values.flag("rolling") { rolling = isRolling }
    }

    /// Reads values, and tells one that is not there from one that is something else.
    private struct Values {
        let config: ConfigReader

        func text(_ key: ConfigKey) throws(SessionConfigurationError) -> String? {
            if let text = config.string(forKey: key) {
                guard !text.isEmpty else { throw Self.unreadable(key, "text that is not empty, or left out") }
                return text
            }
            return try missing(key, "text")
        }

        func flag(_ key: ConfigKey) throws(SessionConfigurationError) -> Bool? {
            if let flag = config.bool(forKey: key) { return flag }
            return try missing(key, "true or false")
        }

        func seconds(_ key: ConfigKey) throws(SessionConfigurationError) -> Duration? {
            if let seconds = config.int(forKey: key) {
                // Some thousands of years, so that arithmetic with it does not overflow.
                guard (0...100_000_000_000).contains(seconds) else { throw Self.unreadable(key, "a number of seconds") }
                return .seconds(seconds)
            }
            return try missing(key, "a whole number of seconds")
        }

        /// `nil`, if there is nothing of any kind at `key`.
        private func missing<Value>(_ key: ConfigKey, _ kind: String) throws(SessionConfigurationError) -> Value? {
            guard config.string(forKey: key) == nil, config.int(forKey: key) == nil, config.double(forKey: key) == nil,
                config.bool(forKey: key) == nil
            else { throw Self.unreadable(key, kind) }
            return nil
        }

        static func unreadable(_ key: ConfigKey, _ kind: String) -> SessionConfigurationError {
            SessionConfigurationError(.setting, "The setting \(key) is not what it has to be. Make it \(kind).")
        }
    }
}
#endif
