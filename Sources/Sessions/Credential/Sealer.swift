import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Encrypts and authenticates bytes for one realm and one purpose.
///
/// | bytes | |
/// |---|---|
/// | 1 | version, always 1: it names this layout and its algorithms, and nothing chooses among them (checklist CR-02) |
/// | 3 | key id |
/// | 32 | salt, random for each message |
/// | any | ciphertext, as long as the plaintext |
/// | 16 | tag |
///
/// The cipher is AES-256-GCM. Its key and its nonce are derived from the ring's seal key and the salt by the expansion of
/// HKDF-SHA-256 (RFC 5869 section 2.3, its info the purpose and the salt; the key is uniform, so nothing is extracted),
/// so there is no limit of 2³² messages to one key (CR-04), and the nonce, which could only agree with the salt, is not
/// sent: nothing there to be of a wrong length, and twelve bytes less in a cookie. The purpose is part of the
/// derivation; version, key id, purpose, realm and the caller's context are authenticated, each after its length
/// (CR-06).
package struct Sealer: Sendable, Redacted {
    /// What the sealed bytes are.
    ///
    /// Bytes sealed for one purpose do not open for another.
    package enum Purpose: String, Sendable {
        /// The payload of a record in a store; the context is its handle.
        case record
        /// A session that lives in the cookie itself.
        case cookie
    }

    /// What was sealed.
    package struct Opened: Sendable, Equatable, Redacted {
        package let bytes: [UInt8]

        /// Whether the first key of the ring sealed it.
        ///
        /// If not, it is to be sealed again under the first key (CR-07).
        package let isUnderFirstKey: Bool
    }

    private struct Key: Sendable {
        let id: KeyID
        let seal: PrekeyedHMAC
        /// What is authenticated with every message, before the context.
        let header: [UInt8]
    }

    private static let version: UInt8 = 1
    private static let salt = 4..<36
    private static let tagCount = 16

    /// The number of bytes that sealing adds.
    package static let overhead = salt.upperBound + tagCount

    private let keys: [Key]
    /// The first part of what the derivation is for; the salt is the second.
    private let label: [UInt8]

    package init(keys ring: KeyRing, realm: Realm, purpose: Purpose) {
        label = Array("swift-sessions 1 seal \(purpose.rawValue)".utf8)
        keys = ring.keys.map { key in
            var header: [UInt8] = []
            header.appendLengthPrefixed([Self.version])
            header.appendLengthPrefixed(key.id.bytes)
            header.appendLengthPrefixed(purpose.rawValue.utf8)
            header.appendLengthPrefixed(realm.bytes)
            return Key(id: key.id, seal: PrekeyedHMAC(key: key.seal), header: header)
        }
    }

    /// The bytes, sealed under the first key.
    ///
    /// - Parameter context: What the bytes belong to. They open with an equal context only.
    package func seal(_ bytes: [UInt8], context: [UInt8]) throws -> [UInt8] {
        let key = keys[0]
        let salt = Bytes32.random().withUnsafeBytes { Array($0) }
        let (messageKey, nonce) = try derive(key, salt: salt)
        let box = try AES.GCM.seal(
            bytes,
            using: messageKey,
            nonce: nonce,
            authenticating: Self.authenticated(key, context)
        )
        var sealed: [UInt8] = []
        sealed.reserveCapacity(bytes.count + Self.overhead)
        sealed.append(Self.version)
        sealed.append(contentsOf: key.id.bytes)
        sealed.append(contentsOf: salt)
        sealed.append(contentsOf: box.ciphertext)
        sealed.append(contentsOf: box.tag)
        return sealed
    }

    /// What was sealed; `nil` if these bytes are not exactly what ``seal(_:context:)`` made for this realm, purpose and
    /// context under a key of the ring.
    ///
    /// All failures are alike (checklist CR-10). At most one decryption is tried, however many keys there are.
    package func open(_ sealed: [UInt8], context: [UInt8]) -> Opened? {
        guard sealed.count >= Self.overhead, sealed[0] == Self.version else { return nil }
        let id = KeyID(sealed[1], sealed[2], sealed[3])
        guard let index = keys.firstIndex(where: { $0.id == id }) else { return nil }
        let key = keys[index]
        let end = sealed.count - Self.tagCount
        guard
            let (messageKey, nonce) = try? derive(key, salt: Array(sealed[Self.salt])),
            let box = try? AES.GCM.SealedBox(
                nonce: nonce,
                ciphertext: sealed[Self.salt.upperBound..<end],
                tag: sealed[end...]
            ),
            let bytes = try? AES.GCM.open(box, using: messageKey, authenticating: Self.authenticated(key, context))
        else { return nil }
        return Opened(bytes: Array(bytes), isUnderFirstKey: index == 0)
    }

    /// The key and the nonce of the message with this salt.
    private func derive(_ key: Key, salt: [UInt8]) throws -> (SymmetricKey, AES.GCM.Nonce) {
        let (first, second) = key.seal.expanded(label + salt)
        return (
            first.withUnsafeBytes { SymmetricKey(data: $0) },
            try second.withUnsafeBytes { try AES.GCM.Nonce(data: $0[..<12]) }
        )
    }

    private static func authenticated(_ key: Key, _ context: [UInt8]) -> [UInt8] {
        var data = key.header
        data.appendLengthPrefixed(context)
        return data
    }
}
