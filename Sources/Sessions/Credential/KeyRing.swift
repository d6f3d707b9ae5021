import Crypto

/// The secrets of an application, in order: the first signs and seals, all verify and open.
///
/// To change keys, put the new one in front and leave the old one for as long as its sessions live; each is re-issued
/// under the first key as it is used. Each purpose has a key of its own, derived from the secret (HKDF-SHA-256), so that
/// what is made for one is worth nothing for another (checklist CR-05, CR-07).
public struct KeyRing: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let keys: [RingKey]

    /// Whether the keys die with the process.
    let isEphemeral: Bool

    /// A ring of these secrets.
    ///
    /// - Throws: ``SessionConfigurationError/Code/emptyKeyRing``, ``SessionConfigurationError/Code/duplicateKey``.
    public init(_ secrets: [SessionSecret]) throws(SessionConfigurationError) {
        try self.init(secrets, isEphemeral: false)
    }

    private init(_ secrets: [SessionSecret], isEphemeral: Bool) throws(SessionConfigurationError) {
        guard !secrets.isEmpty else {
            throw SessionConfigurationError(.emptyKeyRing, "The key ring has no key. Create one with `make key`.")
        }
        let keys = secrets.map { RingKey($0) }
        guard Set(keys.map(\.id)).count == keys.count else {
            throw SessionConfigurationError(
                .duplicateKey,
                "Two keys of the ring are the same, or share their key id. Remove one, or create another."
            )
        }
        self.keys = keys
        self.isEphemeral = isEphemeral
    }

    /// A ring whose only key is random and dies with the process: every session with it. For tests and development with
    /// a memory store; ``SessionManager`` refuses it with a store that lasts (checklist CF-02).
    public static func ephemeral() -> KeyRing {
        KeyRing(ephemeral: RingKey(.generate()))
    }

    private init(ephemeral key: RingKey) {
        keys = [key]
        isEphemeral = true
    }

    public var description: String { "key ring of \(keys.count)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a key of the ring is used for.
enum KeyPurpose: String, CaseIterable {
    case credential, successor, seal, csrf, log
}

/// One key of a ring: its id and the keys derived from it.
struct RingKey: Sendable, CustomReflectable {
    /// Tells which key signed or sealed something: 24 bits, derived from the secret.
    let id: UInt32
    private let purposes: [KeyPurpose: SymmetricKey]

    init(_ secret: SessionSecret) {
        let id = Self.derive(secret, "key id", 3)
        self.id = id.withUnsafeBytes { $0.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        purposes = Dictionary(
            uniqueKeysWithValues: KeyPurpose.allCases.map { ($0, Self.derive(secret, "key for \($0.rawValue)", 32)) }
        )
    }

    private static func derive(_ secret: SessionSecret, _ label: String, _ count: Int) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: secret.key,
            info: Array("swift-sessions/1 \(label)".utf8),
            outputByteCount: count
        )
    }

    /// The key for one purpose.
    func key(for purpose: KeyPurpose) -> SymmetricKey {
        // Every purpose has its key from the initializer; a fresh key would verify nothing.
        purposes[purpose] ?? SymmetricKey(size: .bits256)
    }

    /// The three bytes of ``id``.
    var idBytes: [UInt8] { [16, 8, 0].map { UInt8(truncatingIfNeeded: id >> UInt32($0)) } }

    var customMirror: Mirror { Mirror(self, children: []) }
}
