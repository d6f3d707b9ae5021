import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The value of Remix's signed cookie: the text's UTF-8 as base64 with padding, a dot, and the HMAC-SHA-256 of that as
/// base64 without padding.
///
/// Nothing is percent-encoded or quoted: base64 has nothing that would need it.
struct RemixCookie: Sendable, Redacted {
    /// The application's secrets: the first signs, all verify.
    private let secrets: [SymmetricKey]

    init(secrets: [ForeignSecret]) {
        self.secrets = secrets.map { SymmetricKey(data: $0.bytes) }
    }

    /// The cookie's value for `text`. For an empty text it is empty, and not signed.
    func value(of text: String) -> String {
        guard !text.isEmpty else { return "" }
        let encoded = Data(text.utf8).base64EncodedString()
        return encoded + "." + Self.signature(of: Array(encoded.utf8), under: secrets[0])
    }

    /// What a cookie's value turns out to be.
    enum Parse: Sendable, Equatable {
        case malformed
        case unverifiable
        case genuine(text: String, isUnderFirstSecret: Bool)
    }

    /// Reads a cookie's value.
    func parse(_ value: [UInt8]) -> Parse {
        // Neither half has a dot of its own.
        guard let dot = value.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return .malformed }
        let (encoded, signature) = (value[..<dot], value[(dot + 1)...])
        for (index, secret) in secrets.enumerated()
        where ConstantTime.equal(Self.signature(of: encoded, under: secret).utf8, signature) {
            // Signed, and yet no text: nobody who has the secret writes that.
            guard let data = Data(base64Encoded: Data(encoded)), let text = String(validating: data, as: UTF8.self)
            else { return .malformed }
            return .genuine(text: text, isUnderFirstSecret: index == 0)
        }
        return .unverifiable
    }

    private static func signature(of encoded: some Collection<UInt8>, under secret: SymmetricKey) -> String {
        let code = Data(HMAC<SHA256>.authenticationCode(for: Array(encoded), using: secret))
        return String(code.base64EncodedString().prefix { $0 != "=" })
    }
}
