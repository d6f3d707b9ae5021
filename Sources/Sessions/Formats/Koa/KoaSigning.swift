import Crypto
import HTTPTypes

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
    /// `name.sig`
    private let signatureName: CookieName

    /// - Throws: If `name.sig` is no cookie's name.
    init(keys: [ForeignSecret], algorithm: KoaSignature, name: CookieName) throws(SessionConfigurationError) {
        self.keys = keys.map { SymmetricKey(data: $0.bytes) }
        self.algorithm = algorithm
        prefix = name.bytes + [CookieBytes.equals]
        signatureName = try name.ofSignature
    }

    /// What a request has as signatures. Several do no harm: each would have to be one of the value.
    func signatures(in fields: HTTPFields) -> [[UInt8]] {
        switch CookieHeader(fields).lookup(signatureName) {
        case .absent, .tooMany: []
        case .one(let value): [value]
        case .several(let values): values
        }
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

extension CookieName {
    /// The name of the cookie with this one's signature.
    fileprivate var ofSignature: CookieName {
        get throws(SessionConfigurationError) { try CookieName("\(self).sig") }
    }
}

extension SetCookieTemplate {
    /// That of the cookie with this one's signature.
    var ofSignature: SetCookieTemplate {
        get throws(SessionConfigurationError) {
            try SetCookieTemplate(name: name.ofSignature, attributes: attributes, allowUnprefixed: true)
        }
    }
}
