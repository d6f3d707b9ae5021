/// The cookie value of express-session: `s:`, the session's id, a dot, and the id's HMAC-SHA-256 as base64 without
/// padding, all of it percent-encoded as `encodeURIComponent` does.
struct ExpressCookie: SignedCookie, Redacted {
    private let signer: ForeignSigner

    /// - Parameter secrets: The application's: the first signs, all verify.
    init(secrets: [ForeignSecret]) {
        signer = ForeignSigner(secrets: secrets)
    }

    /// The cookie's value for `id`.
    func value(of id: String) -> String {
        Self.percentEncoded("s:" + signed(id))
    }

    /// `id` and its signature under the first secret.
    func signed(_ id: String) -> String {
        id + "." + signer.signature(of: id.utf8)
    }

    /// Reads a cookie's value as Node's `cookie` and `cookie-signature` do: in quotes or not, percent-encoded or not.
    func parse(_ value: [UInt8]) -> SignedText {
        var bytes = value[...]
        if bytes.count >= 2, bytes.first == Self.quote, bytes.last == Self.quote {
            bytes = bytes.dropFirst().dropLast()
        }
        guard let text = Self.percentDecoded(bytes), text.utf8.starts(with: "s:".utf8) else { return .malformed }
        let signed = text.utf8.dropFirst(2)
        // At the last dot: an id may have dots of its own, a signature has none.
        guard let dot = signed.lastIndex(of: UInt8(ascii: ".")) else { return .malformed }
        let id = String(decoding: signed[..<dot], as: UTF8.self)
        let signature = Array(signed[signed.index(after: dot)...])
        guard let index = signer.secretIndex(of: id.utf8, signedBy: signature) else { return .unverifiable }
        return .genuine(text: id, isUnderFirstSecret: index == 0)
    }

    private static let quote = UInt8(ascii: "\"")

    /// `text` with every byte encoded that `encodeURIComponent` encodes.
    static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if CookieBytes.isAlphanumeric(byte) || "-_.!~*'()".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes += [byte >> 4, byte & 15].map { $0 < 10 ? UInt8(ascii: "0") + $0 : UInt8(ascii: "A") + $0 - 10 }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `bytes` as `decodeURIComponent` reads them, or as they are if it would refuse them; `nil` if they are no UTF-8.
    static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.contains(UInt8(ascii: "%")) else { return String(validating: bytes, as: UTF8.self) }
        var decoded: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hexadecimal.value),
                let low = rest.popFirst().flatMap(Hexadecimal.value)
            else {
                return String(validating: bytes, as: UTF8.self)
            }
            decoded.append(high << 4 | low)
        }
        return String(validating: decoded, as: UTF8.self) ?? String(validating: bytes, as: UTF8.self)
    }
}
