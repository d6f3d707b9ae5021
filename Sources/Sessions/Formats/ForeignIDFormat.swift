/// A wire format whose cookie has the id under which another system's store keeps the record.
protocol ForeignIDFormat: WireFormat {
    associatedtype Records: ForeignRecordFormat

    var records: Records { get }

    /// Makes the id of a new session.
    var makeID: ForeignIDMaker { get set }

    /// An id as the other system makes it.
    static func randomID() -> String

    /// Whether the cookie can carry an id.
    func carries(_ id: String) -> Bool
}

/// Spells a record as another system does, and reads it again; see ``WireFormat``.
protocol ForeignRecordFormat: Sendable {
    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord?
    func encode(_ record: LoadedRecord) throws -> LoadedRecord
}

extension ForeignIDFormat {
    var movesOnRotation: Bool { true }

    func handle(of key: StoreKey) -> SessionHandle? {
        key.foreignID.map { HeldCredential(foreignID: $0, key: key).handle }
    }

    func carries(_ id: String) -> Bool { true }

    func freshCredential() -> HeldCredential {
        // An id that no cookie carries, or no key can be made of, is one that nobody could be found by.
        credential(makeID()) ?? credential(Self.randomID()) ?? .random()
    }

    private func credential(_ id: String) -> HeldCredential? {
        guard carries(id) else { return nil }
        return StoreKey(foreignID: id).map { HeldCredential(foreignID: id, key: $0) }
    }

    var readsRequest: Bool { makeID.readsRequest }

    func following(_ request: CookieRequest) -> any WireFormat {
        var copy = self
        copy.makeID = makeID.following(request)
        return copy
    }

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? { records.decode(stored, at: key) }

    func encode(_ record: LoadedRecord) throws -> LoadedRecord { try records.encode(record) }
}

extension ForeignID {
    /// A random UUID of version 4 in lower case, 122 bits of which are random (RFC 9562 section 5.4).
    static func uuid() -> String {
        var bytes = Bytes16.random().withUnsafeBytes { Array($0) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        var digits = Hexadecimal.encode(bytes)
        for position in [20, 16, 12, 8] {
            digits.insert("-", at: digits.utf8.index(digits.startIndex, offsetBy: position))
        }
        return digits
    }
}
