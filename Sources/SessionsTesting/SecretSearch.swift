import Sessions

/// Finds secrets, or pieces of them, in bytes that must not hold any: raw, in hexadecimal, in base64 and base64url from
/// whichever byte on, and as numbers in a list.
///
/// A piece is eight bytes of the secret or more, so that nothing is found by chance.
package struct SecretSearch: Sendable {
    private struct Pieces: Sendable {
        private(set) var pieces: Set<[UInt8]> = []
        /// A bit for each hash that a piece has, so that most places of a text cost one look.
        private(set) var filter = [UInt64](repeating: 0, count: 1 << 18)

        mutating func insert(_ piece: [UInt8]) {
            guard pieces.insert(piece).inserted else { return }
            let bit = SecretSearch.bit(SecretSearch.hash(piece))
            filter[bit >> 6] |= 1 << UInt64(bit & 63)
        }
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
        let hexadecimal = Array(Hexadecimal.encode(secret).utf8)
        add(hexadecimal, length: 16, every: 2)
        add(hexadecimal.map { $0 > UInt8(ascii: "9") ? $0 - 0x20 : $0 }, length: 16, every: 2)
        for start in secret.indices {
            let list = secret[start...].map(String.init).joined(separator: ", ").utf8.prefix(32)
            if list.count == 32 { add(Array(list), length: 32) }
        }
    }

    private mutating func add(_ bytes: [UInt8], length: Int, every step: Int = 1) {
        guard bytes.count >= length else { return }
        for start in stride(from: 0, through: bytes.count - length, by: step) {
            lengths[length, default: Pieces()].insert(Array(bytes[start..<start + length]))
        }
    }

    /// The first piece of a secret in `text`; `nil` if there is none.
    package func piece(in text: String) -> String? {
        piece(in: Array(text.utf8))
    }

    /// The first piece of a secret in `bytes`; `nil` if there is none.
    package func piece(in bytes: [UInt8]) -> String? {
        for (length, pieces) in lengths where bytes.count >= length {
            let found = bytes.withUnsafeBufferPointer { bytes in
                pieces.filter.withUnsafeBufferPointer { filter in
                    Self.piece(of: length, in: bytes, filter) { pieces.pieces.contains($0) }
                }
            }
            if let found { return String(decoding: found, as: UTF8.self) }
        }
        return nil
    }

    private static func piece(
        of length: Int,
        in bytes: UnsafeBufferPointer<UInt8>,
        _ filter: UnsafeBufferPointer<UInt64>,
        isPiece: ([UInt8]) -> Bool
    ) -> [UInt8]? {
        // A hash that rolls along: what leaves the window on the left is worth a power of the factor.
        let power = (0..<length).reduce(into: UInt64(1)) { power, _ in power = power &* factor }
        var hash = hash(bytes[..<length])
        var end = length
        while true {
            let bit = bit(hash)
            if filter[bit >> 6] >> UInt64(bit & 63) & 1 == 1 {
                let piece = Array(bytes[end - length..<end])
                if isPiece(piece) { return piece }
            }
            guard end < bytes.count else { return nil }
            hash = hash &* factor &+ UInt64(bytes[end]) &- UInt64(bytes[end - length]) &* power
            end += 1
        }
    }

    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The place of a hash in a filter: its highest bits, in which all of the piece is mixed.
    private static func bit(_ hash: UInt64) -> Int { Int(hash >> 40) }

    private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 &* factor &+ UInt64($1) }
    }
}
