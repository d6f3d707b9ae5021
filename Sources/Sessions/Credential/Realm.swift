/// Whose credentials these are: one application and one cookie name.
///
/// The realm is part of everything that is signed, sealed or derived, so a value that one manager wrote is refused by
/// every manager of another realm, also when both have the same ``KeyRing`` and the same store (checklist ID-09,
/// CR-06).
public struct Realm: Sendable, Hashable {
    /// The application's name.
    ///
    /// Any text; applications that share secrets have different names.
    public let application: String

    /// The name of the cookie that carries the credential.
    public let cookieName: String

    /// The two names, each after its length: no two realms share these bytes.
    package let bytes: [UInt8]

    /// Creates a realm.
    public init(application: String, cookieName: String) {
        self.application = application
        self.cookieName = cookieName
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed(application.utf8)
        bytes.appendLengthPrefixed(cookieName.utf8)
        self.bytes = bytes
    }

    /// Whether the two realms have the same bytes: `String` calls different bytes equal (checklist ID-11).
    public static func == (lhs: Realm, rhs: Realm) -> Bool { lhs.bytes == rhs.bytes }

    /// Feeds the realm's bytes to `hasher`.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
}
