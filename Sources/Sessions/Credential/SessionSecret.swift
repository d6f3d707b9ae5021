import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One secret of a ``KeyRing``: at least 32 bytes that nobody can guess.
///
/// A secret is made by a random number generator, never thought of by a person:
///
/// ```
/// openssl rand -base64 32
/// ```
///
/// Every initializer refuses what is no such secret, in release builds too (checklist CF-01, CR-05). A secret cannot be
/// printed, dumped or encoded by accident (CR-14); ``encoded()`` is the one way to its text.
public struct SessionSecret: Sendable {
    let key: SymmetricKey

    /// The secret with the given bytes.
    ///
    /// These are random bytes and not text: a password or a passphrase is refused. For a secret that somebody wrote
    /// down as base64 or hex use ``init(encoded:)``.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `weakSecret` if there are fewer than 32 bytes, if they
    ///   have too little variety or repeat themselves, or if they are text of fewer than 43 characters.
    public init(bytes: [UInt8]) throws {
        try SecretStrength.check(bytes: bytes)
        key = SymmetricKey(data: bytes)
    }

    /// The secret that `text` spells: base64 or base64url, with or without padding, or hex.
    ///
    /// Text that has hexadecimal digits only is hex. White space around the text is ignored.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `weakSecret` if the text is none of these, if it spells
    ///   fewer than 32 bytes, or if it is an example from a manual, words, or a repetition.
    public init(encoded text: String) throws {
        try self.init(encoded: Array(text.utf8)[...])
    }

    /// Another system's secret, whatever it is worth.
    init(foreign secret: ForeignSecret) {
        key = SymmetricKey(data: secret.bytes)
    }

    init(encoded text: ArraySlice<UInt8>) throws {
        let text = Array(text.trimmingASCIIWhiteSpace())
        try SecretStrength.check(text: text)
        guard let bytes = Self.decode(text) else {
            throw SessionConfigurationError(
                .weakSecret,
                "The secret is neither base64 nor hex. \(SecretStrength.advice)"
            )
        }
        try self.init(bytes: bytes)
    }

    /// A new secret: 256 bits from the system's random number generator.
    ///
    /// Meant for a command that makes keys. A server that called this at start-up would sign everybody out at every
    /// restart; for tests there is ``KeyRing/ephemeral()``.
    public static func generate() -> SessionSecret {
        while true {
            // The refusals are meant for people's choices; in one of ten million cases they would hit a random one.
            if let secret = try? SessionSecret(encoded: Bytes32.random().base64URL) { return secret }
        }
    }

    /// The secret as base64url text, as ``init(encoded:)`` and ``KeyRing/init(environment:)`` read it.
    ///
    /// - Warning: This is the secret itself. Whoever reads it can make a credential for any handle and open what is
    ///   sealed. Write it to where secrets are kept, and nowhere else.
    public func encoded() -> String {
        key.withUnsafeBytes { Base64URL.encode($0) }
    }

    private static func decode(_ text: [UInt8]) -> [UInt8]? {
        if text.allSatisfy({ Hexadecimal.value($0) != nil }) { return Hexadecimal.bytes(text) }
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2, padding == 0 || text.count.isMultiple(of: 4) else { return nil }
        let symbols = text.dropLast(padding)
            .map { symbol in
                switch symbol {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: symbol
                }
            }
        return Base64URL.decode(symbols)
    }
}

extension SessionSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The type's name, and nothing of the secret (checklist CR-14).
    public var description: String { "SessionSecret(redacted)" }
    /// The type's name, and nothing of the secret (checklist CR-14).
    public var debugDescription: String { description }
    /// A mirror without children: `dump` shows nothing of the secret (checklist CR-14).
    public var customMirror: Mirror { Mirror(self, children: []) }
}
