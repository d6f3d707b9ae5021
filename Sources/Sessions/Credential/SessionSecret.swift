import Crypto

/// One secret of a key ring: at least 32 bytes that nobody can guess.
///
/// Create one with `make key` or `openssl rand -base64 32`, keep it where the application's other secrets are, and never
/// in the source. It cannot be printed.
public struct SessionSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let key: SymmetricKey

    /// A secret from its bytes: 32 at least, random, and no text. Text goes through ``init(encoded:)``.
    ///
    /// - Throws: ``SessionConfigurationError/Code/weakSecret`` (checklist CF-01).
    public init(bytes: [UInt8]) throws(SessionConfigurationError) {
        guard bytes.count >= 32 else {
            throw Self.weak("A secret needs at least 32 bytes, and this one has \(bytes.count).")
        }
        guard Set(bytes).count >= 8 else {
            throw Self.weak("This secret repeats a few bytes, so it can be guessed.")
        }
        let isText = bytes.allSatisfy { (0x20...0x7E).contains($0) }
        guard !isText || bytes.count >= 43 else {
            throw Self.weak("This secret is text of \(bytes.count) characters, which holds less than 256 random bits.")
        }
        guard !isText || !Self.isExample(bytes) else {
            throw Self.weak("This secret is an example from a documentation.")
        }
        key = SymmetricKey(data: bytes)
    }

    /// A secret from its text form: base64url, base64 or hexadecimal digits of at least 32 bytes.
    ///
    /// - Throws: ``SessionConfigurationError/Code/weakSecret``.
    public init(encoded text: String) throws(SessionConfigurationError) {
        guard let bytes = Self.decode(Array(text.utf8)) else {
            throw Self.weak("A secret is written as base64 or as hexadecimal digits, and this text is neither.")
        }
        try self.init(bytes: bytes)
    }

    private init(key: SymmetricKey) {
        self.key = key
    }

    /// A new secret of 256 random bits.
    public static func generate() -> SessionSecret {
        SessionSecret(key: SymmetricKey(size: .bits256))
    }

    /// The secret's text form, for the command that creates keys. Whoever has it can forge every credential.
    public func encoded() -> String {
        key.withUnsafeBytes { Base64URL.encode($0) }
    }

    public var description: String { "session secret" }
    public var debugDescription: String { "session secret" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    private static func weak(_ reason: String) -> SessionConfigurationError {
        SessionConfigurationError(.weakSecret, "\(reason) Create one with `make key` or `openssl rand -base64 32`.")
    }

    /// Whether the text is one of those that stand in tutorials, also repeated or padded.
    private static func isExample(_ bytes: [UInt8]) -> Bool {
        let letters = bytes.map { $0 | 0x20 }
        return ["keyboard cat", "secret", "changeme", "change me", "password", "example"].contains { example in
            letters.starts(with: example.utf8)
        }
    }

    private static func decode(_ text: [UInt8]) -> [UInt8]? {
        if text.count.isMultiple(of: 2), let bytes = decodeHexadecimal(text) { return bytes }
        let standard: [UInt8: UInt8] = [
            UInt8(ascii: "+"): UInt8(ascii: "-"), UInt8(ascii: "/"): UInt8(ascii: "_"),
        ]
        let unpadded = text.reversed().drop(while: { $0 == UInt8(ascii: "=") }).reversed()
        return Base64URL.decode(unpadded.map { standard[$0] ?? $0 })
    }

    private static func decodeHexadecimal(_ text: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
