import Sessions

/// Finds secrets, or pieces of them, in bytes that must not hold any: raw, in hexadecimal, in base64 and base64url from
/// whichever byte on, and as numbers in a list.
///
/// A piece is eight bytes of the secret or more, so that nothing is found by chance.
package struct SecretSearch: Sendable {
    private struct Pieces: Sendable {
        var hashes: Set<UInt64> = []
        var pieces: Set<[UInt8]> = []
    }

    /// The pieces by their length.
    private var lengths: [Int: Pieces] = [:]

    package init() {}

    /// Looks for a credential's secret and its code; not for its handle, which is no secret.
    package mutating func add(credential: String) {
        let text = Array(credential.utf8)
        // The handle ends in character 26.
        guard text.count == 112, let bytes = Base64URL.decode(text) else { return }
        add(Array(text[27...]), length: 12)
        add(secret: Array(bytes[20...]))
    }

    /// Looks for a text of base64url, and for what it spells.
    package mutating func add(base64URL text: String) {
        add(Array(text.utf8), length: 12)
        if let bytes = Base64URL.decode(text.utf8) { add(secret: bytes) }
    }

    /// Looks for bytes.
    package mutating func add(secret: [UInt8]) {
        add(secret, length: 8)
        for offset in 0..<3 {
            let text = Array(Base64URL.encode(Array(secret.dropFirst(offset))).utf8)
            add(text, length: 12)
            let standard = text.map { byte in
                byte == UInt8(ascii: "-") ? UInt8(ascii: "+") : byte == UInt8(ascii: "_") ? UInt8(ascii: "/") : byte
            }
            add(standard, length: 12)
        }
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = secret.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        add(hexadecimal, length: 16)
        add(hexadecimal.map { $0 > UInt8(ascii: "9") ? $0 - 0x20 : $0 }, length: 16)
        add(Array(secret.map(String.init).joined(separator: ", ").utf8), length: 32)
    }

    private mutating func add(_ bytes: [UInt8], length: Int) {
        guard bytes.count >= length else { return }
        for start in 0...(bytes.count - length) {
            let piece = Array(bytes[start..<start + length])
            lengths[length, default: Pieces()].hashes.insert(Self.hash(piece))
            lengths[length]?.pieces.insert(piece)
        }
    }

    /// The first piece of a secret in `text`; `nil` if there is none.
    package func piece(in text: String) -> String? {
        piece(in: Array(text.utf8))
    }

    /// The first piece of a secret in `bytes`; `nil` if there is none.
    package func piece(in bytes: [UInt8]) -> String? {
        for (length, pieces) in lengths where bytes.count >= length {
            // A hash that rolls along: what leaves the window on the left is worth a power of the factor.
            let power = (0..<length).reduce(into: UInt64(1)) { power, _ in power = power &* Self.factor }
            var hash = Self.hash(bytes[..<length])
            var end = length
            while true {
                if pieces.hashes.contains(hash) {
                    let piece = Array(bytes[end - length..<end])
                    if pieces.pieces.contains(piece) { return String(decoding: piece, as: UTF8.self) }
                }
                guard end < bytes.count else { break }
                hash = hash &* Self.factor &+ UInt64(bytes[end]) &- UInt64(bytes[end - length]) &* power
                end += 1
            }
        }
        return nil
    }

    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 &* factor &+ UInt64($1) }
    }
}
