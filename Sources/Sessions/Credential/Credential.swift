/// How a credential of the native format is spelled.
///
/// 84 bytes, written as 112 characters of base64url:
///
/// | bytes | |
/// |---|---|
/// | 1 | version, always 1: it names this layout and its algorithms, and nothing chooses among them (checklist CR-02) |
/// | 3 | key id |
/// | 16 | handle |
/// | 32 | secret |
/// | 32 | HMAC-SHA-256 under that key of the realm, length-prefixed, and the 52 bytes before |
///
/// 84 is a multiple of three, so the text has no trailing bits, and each credential has one spelling (PR-15).
package enum Credential {
    package static let version: UInt8 = 1
    package static let byteCount = 84
    package static let textCount = 112

    static let keyID = 1..<4
    static let handle = 4..<20
    static let secret = 20..<52
    static let authenticated = 0..<52
    static let code = 52..<84
}

/// A credential that one of our keys signed for this realm.
///
/// Whether its record lives is another question.
package struct PresentedCredential: Sendable, Equatable, Redacted {
    package let handle: SessionHandle
    package let secret: CredentialSecret

    /// Whether the first key of the ring signed it.
    ///
    /// If not, it is to be sent again under the first key (CR-07).
    package let isUnderFirstKey: Bool

    package init(handle: SessionHandle, secret: CredentialSecret, isUnderFirstKey: Bool) {
        self.handle = handle
        self.secret = secret
        self.isUnderFirstKey = isUnderFirstKey
    }
}

/// What a cookie's value turns out to be.
package enum CredentialParse: Sendable, Equatable {
    /// Not the spelling of a credential. No key was used to find out (checklist PR-12).
    case malformed
    /// Spelled as a credential, but no key of the ring signed it for this realm.
    case unverifiable
    case genuine(PresentedCredential)
}
