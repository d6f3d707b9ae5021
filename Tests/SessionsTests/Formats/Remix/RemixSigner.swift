import Crypto
import Foundation

/// Remix's signed values, made and read without the library, so that no test goes by the library's own signature.
enum RemixSigner {
    static func value(of text: String, under secret: String = "s3cr3t") -> String {
        let encoded = Data(text.utf8).base64EncodedString()
        return "\(encoded).\(signature(of: encoded, under: secret))"
    }

    /// The text that a value carries; `nil` if it is not signed under `secret`.
    static func text(in value: String, under secret: String = "s3cr3t") -> String? {
        let halves = value.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard halves.count == 2, halves[1] == signature(of: halves[0], under: secret) else { return nil }
        return Data(base64Encoded: halves[0]).flatMap { String(data: $0, encoding: .utf8) }
    }

    private static func signature(of encoded: String, under secret: String) -> String {
        let key = SymmetricKey(data: Data(secret.utf8))
        let code = Data(HMAC<SHA256>.authenticationCode(for: Data(encoded.utf8), using: key))
        return String(code.base64EncodedString().prefix { $0 != "=" })
    }
}
