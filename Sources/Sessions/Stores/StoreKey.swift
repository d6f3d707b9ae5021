/// The key under which a store keeps one record.
///
/// In the native format it is the session's handle: 128 random bits, written as 22 characters of base64url. Other
/// formats bring their own text. Either way the text is 1 to 256 characters of `A`–`Z`, `a`–`z`, `0`–`9`, `-`, `_`,
/// `.`, `:` and `=`, so that it is safe as a file name, in a query parameter and in a Redis key, and so that byte
/// equality and `String` equality agree (checklist ID-11, ST-05).
public struct StoreKey: Sendable, Hashable, CustomStringConvertible {
    private enum Storage: Hashable {
        /// Sixteen bytes inline: a native key costs no allocation.
        case handle(SessionHandle)
        case text(String)
        /// In the store that a manager moves from.
        case old(String)
    }

    private let storage: Storage

    /// The key of a session in the native format.
    public init(_ handle: SessionHandle) {
        storage = .handle(handle)
    }

    /// The key with the given text, as a store finds it in its database; `nil` if a character is not allowed.
    public init?(_ text: String) {
        if let handle = SessionHandle(text) {
            storage = .handle(handle)
            return
        }
        let bytes = text.utf8
        guard (1...256).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        storage = .text(text)
    }

    /// The key as text: what a store writes.
    public var text: String {
        switch storage {
        case .handle(let handle): handle.description
        case .text(let text), .old(let text): text
        }
    }

    /// The handle, if this is the key of a session in the native format.
    public var handle: SessionHandle? {
        if case .handle(let handle) = storage { handle } else { nil }
    }

    public var description: String { text }

    /// The key of a record that is still in the store which its manager moves from. No key of the manager's own store equals
    /// it, whatever its text.
    init(old key: StoreKey) {
        storage = .old(key.text)
    }

    /// The key in the store that the manager moves from; `nil` if this is a key of its own store.
    var old: StoreKey? {
        if case .old(let text) = storage { StoreKey(text) } else { nil }
    }

    /// Whether the record is in the store that the manager moves from.
    var isOld: Bool {
        if case .old = storage { true } else { false }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
