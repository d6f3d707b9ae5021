/// Reads the native format in one pass.
struct NativeRecordReader {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The array that `bytes` points into; slices of it outlive the reader.
    let payload: [UInt8]

    private var version: Int64?
    private var secretHash: SecretHash?
    private var graceHash: SecretHash?
    private var graceUntil: Int64?
    private var graceNonce: Nonce?
    private var createdAt: Int64?
    private var authenticatedAt: Int64?
    private var rotatedAt: Int64?
    private var recent: [RecordVersion] = []
    private var csrfNonce: Nonce?
    private var idle: Int64?
    private var absolute: Int64?
    private var values = SessionValues()
    private var flash: [FlashEntry] = []
    private var unknown: [SessionValues.Entry] = []

    init(bytes: UnsafeBufferPointer<UInt8>, payload: [UInt8]) {
        self.bytes = bytes
        self.payload = payload
    }

    mutating func read() -> RecordContent? {
        var scanner = JSONScanner(bytes, in: 0..<bytes.count)
        guard scanner.members({ member(name: $0, value: $1) }), scanner.isAtEnd() else { return nil }
        guard version == 1, let secretHash, let createdAt, let csrfNonce else { return nil }
        var content = RecordContent(
            secretHash: secretHash,
            createdAt: Timestamp(microseconds: createdAt),
            authenticatedAt: authenticatedAt.map(Timestamp.init(microseconds:)),
            rotatedAt: Timestamp(microseconds: rotatedAt ?? createdAt),
            recent: recent,
            csrfNonce: csrfNonce,
            values: values,
            flash: flash,
            unknown: unknown
        )
        if let idle, let absolute {
            content.lifetime = SessionLifetime(idle: .microseconds(idle), absolute: .microseconds(absolute))
        }
        if let graceHash, let graceUntil, let graceNonce {
            content.grace = RecordContent.Grace(
                secretHash: graceHash,
                until: Timestamp(microseconds: graceUntil),
                nonce: graceNonce
            )
        }
        return content
    }

    /// Takes in one member of the object; `false` if it is not what its name promises.
    private mutating func member(name: Range<Int>, value: Range<Int>) -> Bool {
        switch name.count {
        case 1 where matches(name, "v"): version = JSONScanner.integer(bytes, value)
        case 4 where matches(name, "hash"): secretHash = hash(value)
        case 7 where matches(name, "created"): createdAt = JSONScanner.integer(bytes, value)
        case 5 where matches(name, "login"): authenticatedAt = JSONScanner.integer(bytes, value)
        case 7 where matches(name, "rotated"): rotatedAt = JSONScanner.integer(bytes, value)
        case 4 where matches(name, "csrf"): csrfNonce = nonce(value)
        case 4 where matches(name, "idle"): idle = JSONScanner.integer(bytes, value)
        case 8 where matches(name, "absolute"): absolute = JSONScanner.integer(bytes, value)
        case 6 where matches(name, "recent"): return readRecent(value)
        case 5 where matches(name, "grace"): return readGrace(value)
        case 6 where matches(name, "values"): return readValues(value)
        case 5 where matches(name, "aside"): return readAside(value)
        case 5 where matches(name, "flash"): return readFlash(value)
        default:
            guard let text = text(name) else { return false }
            unknown.append(SessionValues.Entry(name: ValueName(text), texts: [payload[value]]))
        }
        return true
    }

    private func matches(_ range: Range<Int>, _ name: StaticString) -> Bool {
        guard range.count == name.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != name.utf8Start[offset] { return false }
        return true
    }

    private func text(_ range: Range<Int>) -> String? {
        JSONString.text(UnsafeBufferPointer(rebasing: bytes[range]))
    }

    /// What stands between the quotes of a string without escapes.
    private func quoted(_ range: Range<Int>) -> Slice<UnsafeBufferPointer<UInt8>>? {
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\"") else { return nil }
        return bytes[range.lowerBound + 1..<range.upperBound - 1]
    }

    private func hash(_ range: Range<Int>) -> SecretHash? {
        quoted(range).flatMap { SecretHash(base64URL: $0) }
    }

    private func nonce(_ range: Range<Int>) -> Nonce? {
        quoted(range).flatMap { Nonce(base64URL: $0) }
    }

    private func hexadecimal(_ range: Range<Int>) -> UInt64? {
        quoted(range).flatMap { Hexadecimal.decode($0) }
    }

    private mutating func readRecent(_ range: Range<Int>) -> Bool {
        var scanner = JSONScanner(bytes, in: range)
        return scanner.elements { element in
            guard let number = hexadecimal(element) else { return false }
            recent.append(RecordVersion(rawValue: number))
            return recent.count <= RecordContent.recentLimit
        }
    }

    private mutating func readGrace(_ range: Range<Int>) -> Bool {
        var scanner = JSONScanner(bytes, in: range)
        return scanner.members { name, value in
            if matches(name, "hash") { graceHash = hash(value) }
            if matches(name, "until") { graceUntil = JSONScanner.integer(bytes, value) }
            if matches(name, "nonce") { graceNonce = nonce(value) }
            return true
        }
    }

    private mutating func readValues(_ range: Range<Int>) -> Bool {
        var scanner = JSONScanner(bytes, in: range)
        return scanner.members { name, value in
            guard let text = text(name), !values.contains(ValueName(text)) else { return false }
            values.restore(ValueName(text), payload[value])
            return true
        }
    }

    /// Texts that were set aside: read after `values`, which the writer puts first.
    private mutating func readAside(_ range: Range<Int>) -> Bool {
        var scanner = JSONScanner(bytes, in: range)
        return scanner.members { name, list in
            guard let text = text(name), values.contains(ValueName(text)) else { return false }
            var texts = JSONScanner(bytes, in: list)
            return texts.elements { value in
                values.restore(ValueName(text), payload[value])
                return true
            }
        }
    }

    private mutating func readFlash(_ range: Range<Int>) -> Bool {
        var scanner = JSONScanner(bytes, in: range)
        return scanner.elements { element in
            var id: UInt64?
            var key: String?
            var text: JSONText?
            var entry = JSONScanner(bytes, in: element)
            let complete = entry.members { name, value in
                if matches(name, "id") { id = hexadecimal(value) }
                if matches(name, "key") { key = quoted(value).flatMap { JSONString.text($0) } }
                if matches(name, "value") { text = payload[value] }
                return true
            }
            guard complete, let id, let key, let text else { return false }
            flash.append(FlashEntry(id: id, name: ValueName(key), text: text))
            return true
        }
    }
}
