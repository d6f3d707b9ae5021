import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The hash with which Keygrip signs the cookies of a Koa service.
public struct KoaSignature: Sendable, Hashable {
    /// Whether it is SHA-1.
    let isSHA1: Bool

    /// HMAC-SHA-256: `new Keygrip(keys, "sha256")`, as Compas has it in production.
    public static let sha256 = KoaSignature(isSHA1: false)

    /// HMAC-SHA-1: Keygrip's own default, which a service has that sets `app.keys` to an array. No way is known to forge an
    /// HMAC for SHA-1's weakness. Still, have both services go over to ``sha256``.
    public static let sha1 = KoaSignature(isSHA1: true)
}

/// The signature cookie of Koa: beside `name=value` travels `name.sig`, with the HMAC of `name=value` as base64url without
/// padding.
struct KoaSigning: Sendable, Redacted {
    /// The application's keys: the first signs, all verify.
    private let keys: [SymmetricKey]
    private let algorithm: KoaSignature
    /// `name=`
    private let prefix: [UInt8]

    init(keys: [ForeignSecret], algorithm: KoaSignature, name: CookieName) {
        self.keys = keys.map { SymmetricKey(data: $0.bytes) }
        self.algorithm = algorithm
        prefix = name.bytes + [CookieBytes.equals]
    }

    /// The signature of `value` under the first key.
    func signature(of value: some Sequence<UInt8>) -> String {
        signature(of: value, under: keys[0])
    }

    /// Under which key one of `signatures` signs `value`; `nil` if none does.
    func keyIndex(of value: [UInt8], signedBy signatures: [[UInt8]]) -> Int? {
        for (index, key) in keys.enumerated() {
            let expected = signature(of: value, under: key).utf8
            if signatures.contains(where: { ConstantTime.equal($0, expected) }) { return index }
        }
        return nil
    }

    private func signature(of value: some Sequence<UInt8>, under key: SymmetricKey) -> String {
        let message = prefix + value
        return algorithm.isSHA1
            ? Base64URL.encode(Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key)))
            : Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: message, using: key)))
    }
}
