/// What a credential is for: one application and one cookie.
///
/// It goes into everything that is signed or sealed, so that another application's cookie and the value of another
/// cookie are refused though they were made with the same keys (checklist ID-09, CR-06).
public struct Realm: Sendable, Hashable {
    /// The application's name.
    public let application: String

    /// The cookie's name.
    public let cookieName: String

    /// Creates a realm.
    public init(application: String, cookieName: String) {
        self.application = application
        self.cookieName = cookieName
    }

    /// The realm as bytes: each part behind its length, so that no two realms read alike.
    var bytes: [UInt8] { LengthPrefixed.join([Array(application.utf8), Array(cookieName.utf8)]) }
}

/// Joins byte strings so that they can be told apart again.
enum LengthPrefixed {
    /// Each part behind its length, a big-endian 32-bit number.
    static func join(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            let length = UInt32(truncatingIfNeeded: part.count)
            return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + part
        }
    }
}
