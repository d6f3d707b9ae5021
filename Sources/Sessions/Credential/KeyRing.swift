/// The secrets of an application, in order: the first signs and seals, all verify and open.
///
/// To replace a secret, put the new one in front and keep the old one behind it until the cookies it signed have been
/// renewed or have expired. Clients notice nothing: a credential under an older key is sent again under the first one.
/// Where several processes share the ring, roll the new secret out in two steps, first behind the old one everywhere and
/// then in front: a process without it expires the cookies that another one has signed with it.
///
/// Each secret is turned into one key for each purpose, by HKDF-SHA-256, when the ring is made (checklist CR-05).
/// The secrets themselves are not kept. Whatever is signed or sealed names its key, so verifying costs the same with one
/// secret and with ten (CR-07).
public struct KeyRing: Sendable {
    /// The derived keys; at least one.
    let keys: [RingKey]

    /// Whether the secrets die with this process, so that no other process can read what it wrote (checklist CF-02).
    package let isEphemeral: Bool

    /// The ring with these secrets, of which the first signs and seals.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `emptyKeyRing` if there is no secret, or `duplicateKey` if
    ///   two are the same or derive the same key id (checklist CF-03).
    public init(_ secrets: [SessionSecret]) throws {
        try self.init(secrets, isEphemeral: false)
    }

    /// The ring with one new secret that nobody else knows, for tests and for development.
    ///
    /// All sessions end with the process. A manager refuses such a ring together with a store that outlives the process
    /// or is shared with others.
    public static func ephemeral() -> KeyRing {
        KeyRing(keys: [RingKey(.generate())], isEphemeral: true)
    }

    private init(_ secrets: [SessionSecret], isEphemeral: Bool) throws {
        guard !secrets.isEmpty else {
            throw SessionConfigurationError(
                .emptyKeyRing,
                "The key ring has no secret. Give it at least one. \(SecretStrength.advice)"
            )
        }
        let keys = secrets.map(RingKey.init)
        for index in secrets.indices {
            for earlier in 0..<index where keys[earlier].id == keys[index].id {
                throw SessionConfigurationError(
                    .duplicateKey,
                    "Secrets \(earlier + 1) and \(index + 1) of the key ring are the same, or have the same key id. "
                        + "Remove or replace the newer one. \(SecretStrength.advice)"
                )
            }
        }
        self.init(keys: keys, isEphemeral: isEphemeral)
    }

    private init(keys: [RingKey], isEphemeral: Bool) {
        self.keys = keys
        self.isEphemeral = isEphemeral
    }
}

extension KeyRing: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The number of keys, and nothing else (checklist CR-14).
    public var description: String { "KeyRing(\(keys.count) \(keys.count == 1 ? "key" : "keys"))" }
    /// The number of keys, and nothing else (checklist CR-14).
    public var debugDescription: String { description }
    /// A mirror without children: `dump` shows nothing of the keys (checklist CR-14).
    public var customMirror: Mirror { Mirror(self, children: []) }
}
