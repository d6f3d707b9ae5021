/// A secret that this service has in common with another system: the one that signs the other's cookies.
///
/// ```swift
/// let text: ForeignSecret = "keyboard cat"
/// let bytes = ForeignSecret(bytes: [0x1f, 0x8b])   // Node: Buffer.from("1f8b", "hex")
/// ```
///
/// The other system has chosen it, so its strength is not checked. It shows nothing of itself when it is printed (checklist
/// CR-14).
public struct ForeignSecret: Sendable, ExpressibleByStringLiteral {
    let bytes: [UInt8]

    /// A secret that the other system has as a text: its bytes in UTF-8.
    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// A secret that the other system has as bytes: a `Buffer` or a typed array of Node's.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A secret that stands in the source, for tests and examples. Read yours from where secrets are kept.
    public init(stringLiteral text: String) {
        self.init(text)
    }
}

extension ForeignSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The type's name, and nothing of the secret (checklist CR-14).
    public var description: String { "ForeignSecret(redacted)" }
    /// The type's name, and nothing of the secret (checklist CR-14).
    public var debugDescription: String { description }
    /// A mirror without children: `dump` shows nothing of the secret (checklist CR-14).
    public var customMirror: Mirror { Mirror(self, children: []) }
}
