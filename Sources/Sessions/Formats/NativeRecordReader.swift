/// Reads the native format in one pass.
struct NativeRecordReader {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The array that `bytes` points into; slices of it outlive the reader.
    let payload: [UInt8]

    private var version: Int64?
    private var secretHash: SecretHash?
    private var grace = Grace()
    private var origin = Grace()
    private var originHandle: SessionHandle?
    private var createdAt: Int64?
    private var authenticatedAt: Int64?
    private var rotatedAt: Int64?
    private var recent: [RecordVersion] = []
    private var csrfNonce: Nonce?
    private var idle: Int64?
    private var absolute: Int64?
    private var persistence: SessionCookie.Persistence?
    private var values = SessionValues()
    private var flash: [FlashEntry] = []
    private var unknown: [SessionValues.Entry] = []

    init(bytes: UnsafeBufferPointer<UInt8>, payload: [UInt8]) {
        self.bytes = bytes
        self.payload = payload
    }

    mutating func read() -> RecordContent? {
        var scanner = JSONScanner(bytes, in: 0..<bytes.count)
        guard scanner.members({ readMember($0, &$1) }), scanner.isAtEnd() else { return nil }
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
            guard idle > 0, absolute > 0 else { return nil }
            content.lifetime = SessionLifetime(idle: .microseconds(idle), absolute: .microseconds(absolute))
        }
        content.persistence = persistence
        content.grace = grace.content
        if let originHandle, let grace = origin.content {
            content.origin = RecordContent.Origin(handle: originHandle, grace: grace)
        }
        return content
    }

    /// The parts of a credential's grace.
    private struct Grace {
        var hash: SecretHash?
        var until: Int64?
        var nonce: Nonce?

        var content: RecordContent.Grace? {
            guard let hash, let until, let nonce else { return nil }
            return RecordContent.Grace(secretHash: hash, until: Timestamp(microseconds: until), nonce: nonce)
        }
    }

    /// Takes in one member of the object; `false` if it is not what its name promises.
    private mutating func readMember(_ name: Range<Int>, _ scanner: inout JSONScanner) -> Bool {
        switch ShortName(bytes, name) {
        case "v": return take(scanner.integer(), &version)
        case "hash": return take(scanner.string().flatMap(hash), &secretHash)
        case "created": return take(scanner.integer(), &createdAt)
        case "login": return take(scanner.integer(), &authenticatedAt)
        case "rotated": return take(scanner.integer(), &rotatedAt)
        case "csrf": return take(scanner.string().flatMap(nonce), &csrfNonce)
        case "idle": return take(scanner.integer(), &idle)
        case "absolute": return take(scanner.integer(), &absolute)
        case "keep":
            let name = scanner.string().flatMap(text)
            return take(name.flatMap(SessionCookie.Persistence.init(name:)), &persistence)
        case "recent": return readRecent(&scanner)
        case "grace": return readGrace(&scanner)
        case "origin": return readOrigin(&scanner)
        case "values": return readValues(&scanner)
        case "aside": return readAside(&scanner)
        case "flash": return readFlash(&scanner)
        default:
            guard let text = text(name), let value = scanner.value() else { return false }
            unknown.append(SessionValues.Entry(name: ValueName(text), text: payload[value]))
        }
        return true
    }

    /// A member that is not what its name promises is not taken for one that is missing: a deadline could be (CR-08).
    private func take<Value>(_ value: Value?, _ place: inout Value?) -> Bool {
        place = value
        return value != nil
    }

    private func text(_ range: Range<Int>) -> String? {
        JSONString.text(bytes: UnsafeBufferPointer(rebasing: bytes[range]))
    }

    private func hash(_ range: Range<Int>) -> SecretHash? {
        SecretHash(base64URL: UnsafeBufferPointer(rebasing: bytes[range]))
    }

    private func nonce(_ range: Range<Int>) -> Nonce? {
        Nonce(base64URL: UnsafeBufferPointer(rebasing: bytes[range]))
    }

    private func handle(_ range: Range<Int>) -> SessionHandle? {
        text(range).flatMap(SessionHandle.init)
    }

    private func hexadecimal(_ range: Range<Int>) -> UInt64? {
        Hexadecimal.number(UnsafeBufferPointer(rebasing: bytes[range]))
    }

    private mutating func readRecent(_ scanner: inout JSONScanner) -> Bool {
        recent.reserveCapacity(RecordContent.recentLimit)
        return scanner.elements { scanner in
            guard let number = scanner.string().flatMap(hexadecimal) else { return false }
            recent.append(RecordVersion(rawValue: number))
            return recent.count <= RecordContent.recentLimit
        }
    }

    private mutating func readGrace(_ scanner: inout JSONScanner) -> Bool {
        scanner.members { name, scanner in
            switch ShortName(bytes, name) {
            case "hash": return take(scanner.string().flatMap(hash), &grace.hash)
            case "until": return take(scanner.integer(), &grace.until)
            case "nonce": return take(scanner.string().flatMap(nonce), &grace.nonce)
            default: return scanner.value() != nil
            }
        }
    }

    private mutating func readOrigin(_ scanner: inout JSONScanner) -> Bool {
        scanner.members { name, scanner in
            switch ShortName(bytes, name) {
            case "handle": return take(scanner.string().flatMap(handle), &originHandle)
            case "hash": return take(scanner.string().flatMap(hash), &origin.hash)
            case "until": return take(scanner.integer(), &origin.until)
            case "nonce": return take(scanner.string().flatMap(nonce), &origin.nonce)
            default: return scanner.value() != nil
            }
        }
    }

    private mutating func readValues(_ scanner: inout JSONScanner) -> Bool {
        var entries: [SessionValues.Entry] = []
        entries.reserveCapacity(8)
        let isComplete = scanner.members { name, scanner in
            guard let text = text(name), let value = scanner.value() else { return false }
            entries.append(SessionValues.Entry(name: ValueName(text), text: payload[value]))
            return true
        }
        guard isComplete, let values = SessionValues(restoring: entries) else { return false }
        self.values = values
        return true
    }

    /// Texts that were set aside: read after `values`, which the writer puts first.
    private mutating func readAside(_ scanner: inout JSONScanner) -> Bool {
        var aside: [ValueName: [JSONText]] = [:]
        let isComplete = scanner.members { name, scanner in
            guard let text = text(name) else { return false }
            return scanner.elements { scanner in
                guard let value = scanner.value() else { return false }
                aside[ValueName(text), default: []].append(payload[value])
                return true
            }
        }
        return isComplete && values.restore(aside: aside)
    }

    private mutating func readFlash(_ scanner: inout JSONScanner) -> Bool {
        scanner.elements { scanner in
            var id: UInt64?
            var key: String?
            var text: JSONText?
            let isComplete = scanner.members { name, scanner in
                switch ShortName(bytes, name) {
                case "id": id = scanner.string().flatMap(hexadecimal)
                case "key": key = scanner.string().flatMap(self.text)
                case "value": text = scanner.value().map { payload[$0] }
                default: return scanner.value() != nil
                }
                return true
            }
            guard isComplete, let id, let key, let text else { return false }
            flash.append(FlashEntry(id: id, name: ValueName(key), text: text))
            return true
        }
    }
}

/// The name of a member, up to eight bytes in one word: a name is looked at with every load, for every member.
private struct ShortName: ExpressibleByStringLiteral {
    private let word: UInt64

    init(stringLiteral text: StaticString) {
        self.init(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), 0..<text.utf8CodeUnitCount)
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
        guard range.count <= 8 else {
            // No name of this format; no text has a byte like this.
            word = .max
            return
        }
        var word: UInt64 = 0
        for index in range { word = word << 8 | UInt64(bytes[index]) }
        self.word = word
    }

    static func ~= (lhs: ShortName, rhs: ShortName) -> Bool { lhs.word == rhs.word }
}
