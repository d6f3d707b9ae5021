#if !SQLite
/// Keeps records in one SQLite file, when the package's trait `SQLite` is enabled.
@available(
    *,
    unavailable,
    message: "enable the trait SQLite of the package swift-sessions: .package(url: …, from: …, traits: [\"SQLite\"])"
)
public enum SQLiteSessionStore {}
#endif
