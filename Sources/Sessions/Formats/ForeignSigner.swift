import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// How express-session and Remix sign a text: with its HMAC-SHA-256 as base64 without padding.
struct ForeignSigner: Sendable, Redacted {
    /// The application's secrets: the first signs, all verify.
    private let secrets: [SymmetricKey]

    init(secrets: [ForeignSecret]) {
        self.secrets = secrets.map { SymmetricKey(data: $0.bytes) }
    }

    /// The signature of `text` under the first secret.
    func signature(of text: some Collection<UInt8>) -> String {
        signature(of: text, under: secrets[0])
    }

    /// Under which secret `code` is the signature of `text`; `nil` if under none.
    func secretIndex(of text: some Collection<UInt8>, signedBy code: some Collection<UInt8>) -> Int? {
        secrets.firstIndex { ConstantTime.equal(signature(of: text, under: $0).utf8, code) }
    }

    private func signature(of text: some Collection<UInt8>, under secret: SymmetricKey) -> String {
        let code = Data(HMAC<SHA256>.authenticationCode(for: Array(text), using: secret))
        return String(code.base64EncodedString().prefix { $0 != "=" })
    }
}
