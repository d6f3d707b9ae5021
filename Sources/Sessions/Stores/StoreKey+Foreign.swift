extension StoreKey {
    /// The key of a session that another system calls `id`; `nil` if that is empty or too long.
    ///
    /// What a key's text may not hold is written as `=` and two hexadecimal digits, so that every id has one key and
    /// every key one id.
    package init?(foreignID id: String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(id.utf8.count)
        for byte in id.utf8 {
            if Self.isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "="))
                bytes.append(Self.digits[Int(byte >> 4)])
                bytes.append(Self.digits[Int(byte & 15)])
            }
        }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    /// What the other system calls the session; `nil` if this is no key of ``init(foreignID:)``.
    package var foreignID: String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "=") {
                guard let high = rest.popFirst().flatMap(Self.digits.firstIndex(of:)),
                    let low = rest.popFirst().flatMap(Self.digits.firstIndex(of:))
                else { return nil }
                let escaped = UInt8(high << 4 | low)
                guard !Self.isPlain(escaped) else { return nil }
                bytes.append(escaped)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func isPlain(_ byte: UInt8) -> Bool {
        CookieBytes.isAlphanumeric(byte) || "-_.:".utf8.contains(byte)
    }
}
