import Crypto

/// What follows from the id that another system knows a session by, where that id is both the key of the record and all
/// that the client has to know.
///
/// The rest of this library deals in a handle that may be shown and a secret that may not. Both follow from the id,
/// one-way.
enum ForeignID {
    enum Purpose: String { case handle, secret, nonce }

    static func derive(_ purpose: Purpose, from id: String) -> Bytes32 {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed("swift-sessions 1 foreign \(purpose.rawValue)".utf8)
        bytes.appendLengthPrefixed(id.utf8)
        return Bytes32(SHA256.hash(data: bytes))
    }
}

extension HeldCredential {
    /// The credential of a session that another system calls `id`.
    init(foreignID id: String, key: StoreKey, isUnderFirstKey: Bool = true) {
        let secret = CredentialSecret(ForeignID.derive(.secret, from: id))
        self.init(
            handle: SessionHandle(ForeignID.derive(.handle, from: id).prefix),
            secret: secret,
            hash: secret.hash,
            isUnderFirstKey: isUnderFirstKey,
            foreignKey: key
        )
    }
}

extension Nonce {
    /// The nonce of a session whose record has none, the same each time.
    init(foreignID id: String) {
        self.init(ForeignID.derive(.nonce, from: id).prefix)
    }
}

extension Bytes32 {
    /// The first sixteen bytes.
    fileprivate var prefix: Bytes16 {
        withUnsafeBytes { Bytes16(copying: UnsafeRawBufferPointer(rebasing: $0[..<16])) }
    }
}
