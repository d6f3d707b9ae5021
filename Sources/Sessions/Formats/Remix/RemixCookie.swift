#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The value of Remix's signed cookie: the text's UTF-8 as base64 with padding, a dot, and the HMAC-SHA-256 of that as
/// base64 without padding.
///
/// Nothing is percent-encoded or quoted: base64 has nothing that would need it.
struct RemixCookie: SignedCookie, Redacted {
    private let signer: ForeignSigner

    /// - Parameter secrets: The application's: the first signs, all verify.
    init(secrets: [ForeignSecret]) {
        signer = ForeignSigner(secrets: secrets)
    }

    /// The cookie's value for `text`. For an empty text it is empty, and not signed.
    func value(of text: String) -> String {
        guard !text.isEmpty else { return "" }
        let encoded = Data(text.utf8).base64EncodedString()
        return encoded + "." + signer.signature(of: encoded.utf8)
    }

    /// Reads a cookie's value.
    func parse(_ value: [UInt8]) -> SignedText {
        // Neither half has a dot of its own.
        guard let dot = value.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return .malformed }
        let (encoded, signature) = (value[..<dot], value[(dot + 1)...])
        guard let index = signer.secretIndex(of: encoded, signedBy: signature) else { return .unverifiable }
        // Signed, and yet no text: nobody who has the secret writes that.
        guard let data = Data(base64Encoded: Data(encoded)), let text = String(validating: data, as: UTF8.self)
        else { return .malformed }
        return .genuine(text: text, isUnderFirstSecret: index == 0)
    }
}
