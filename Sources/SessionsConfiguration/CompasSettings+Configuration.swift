#if Configuration
public import Configuration
public import Sessions

extension CompasSettings {
    /// Takes the settings from what swift-configuration reads.
    ///
    /// ```swift
    /// let settings = try CompasSettings(ConfigReader(provider: EnvironmentVariablesProvider()))
    /// ```
    ///
    /// The keys are `node.env`, `app.name`, `app.keys` (a secret) and `cookie.url`: with a provider of environment variables
    /// `NODE_ENV`, `APP_NAME`, `APP_KEYS` and `COOKIE_URL`, as Compas has them.
    ///
    /// - Throws: `SessionConfigurationError` if one that is needed is missing, or if `app.keys` is too short.
    public init(_ config: ConfigReader) throws(SessionConfigurationError) {
        try self.init(
            nodeEnvironment: config.string(forKey: "node.env"),
            appName: config.string(forKey: "app.name"),
            appKeys: config.string(forKey: "app.keys", isSecret: true),
            cookieURL: config.string(forKey: "cookie.url")
        )
    }
}
#endif
