import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a derived key is for.
///
/// Each purpose has its own key, so that a code made for one is worthless for the others
/// (checklist CR-05).
enum KeyPurpose: String, Sendable, CaseIterable {
    /// Authenticates credentials.
    case credential
    /// Derives the secret that follows in a rotation with a grace.
    case successor
    /// Encrypts records at rest and sealed cookies.
    case seal
    /// Derives a session's CSRF secret.
    case csrf
    /// Makes the pseudonym of a handle that logs carry.
    case log

    /// The label that HKDF derives this purpose's key with.
    var label: [UInt8] { Array("swift-sessions 1 key \(rawValue)".utf8) }
}

/// The public name of a key, three bytes: what is signed or sealed says with it which key to verify or open it with.
struct KeyID: Sendable, Hashable {
    /// The label that HKDF derives a key's name with.
    static let label = Array("swift-sessions 1 key id".utf8)

    private let value: UInt32

    init(_ first: UInt8, _ second: UInt8, _ third: UInt8) {
        value = UInt32(first) << 16 | UInt32(second) << 8 | UInt32(third)
    }

    var bytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: value >> 16), UInt8(truncatingIfNeeded: value >> 8),
            UInt8(truncatingIfNeeded: value),
        ]
    }
}

/// One secret of a ring, as the keys derived from it.
///
/// The secret itself is not kept. Deriving is HKDF-SHA-256 (RFC 5869) without salt, the purpose's label as info.
struct RingKey: Sendable, Redacted {
    let id: KeyID
    let credential: SymmetricKey
    let successor: SymmetricKey
    let seal: SymmetricKey
    let csrf: SymmetricKey
    let log: SymmetricKey

    init(_ secret: SessionSecret) {
        let extracted = HKDF<SHA256>.extract(inputKeyMaterial: secret.key, salt: [UInt8]())
        func derive(_ purpose: KeyPurpose) -> SymmetricKey {
            HKDF<SHA256>.expand(pseudoRandomKey: extracted, info: purpose.label, outputByteCount: 32)
        }
        credential = derive(.credential)
        successor = derive(.successor)
        seal = derive(.seal)
        csrf = derive(.csrf)
        log = derive(.log)
        id = HKDF<SHA256>.expand(pseudoRandomKey: extracted, info: KeyID.label, outputByteCount: 3)
            .withUnsafeBytes { KeyID($0[0], $0[1], $0[2]) }
    }

    /// The key for a purpose.
    func key(for purpose: KeyPurpose) -> SymmetricKey {
        switch purpose {
        case .credential: credential
        case .successor: successor
        case .seal: seal
        case .csrf: csrf
        case .log: log
        }
    }
}
