#if !SQLite
/// Keeps records in one SQLite file, when the package's trait `SQLite` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait SQLite of swift-sessions: .package(url: …, from: …, traits: [\"SQLite\"])"
)
public final class SQLiteSessionStore: Sendable {
    /// How a store uses its file, when the trait is enabled.
    public struct Configuration: Sendable {
        /// Never called: the type is unavailable.
        public init() {}
    }

    /// Never called: the type is unavailable.
    public init(path: String, configuration: Configuration = Configuration()) throws {}
}
#endif
