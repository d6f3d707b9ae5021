import HTTPTypes

/// The library's own wire format: ``Credential`` in one cookie, and ``NativeRecordFormat``.
///
/// The record is kept at the session's handle, which stays, and a rotation writes another secret's hash into it.
struct NativeWireFormat: WireFormat {
    let codec: CredentialCodec
    private(set) var cookie: SetCookieTemplate
    let records: RecordCoder

    var movesOnRotation: Bool { false }

    func presentation(in fields: HTTPFields) -> Presentation {
        Presentation(fields, name: cookie.name) { Presentation(codec.parse($0)) }
    }

    func handle(of key: StoreKey) -> SessionHandle? { key.handle }

    func freshCredential() -> HeldCredential { .random() }

    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie] {
        let value = codec.mint(handle: held.handle, secret: held.secret)
        return [NamedCookie(name: cookie.name, field: try cookie.field(value: value, maxAge: maxAge, now: now))]
    }

    func expiredCookies() -> [NamedCookie] { [NamedCookie(name: cookie.name, field: cookie.expired())] }

    func with(_ cookie: SetCookieTemplate) -> any WireFormat {
        var copy = self
        copy.cookie = cookie
        return copy
    }

    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? { records.decode(stored, at: key) }

    func encode(_ record: LoadedRecord) throws -> LoadedRecord { try records.encode(record) }
}

extension HeldCredential {
    /// A native credential that nobody has had.
    static func random() -> HeldCredential {
        let secret = CredentialSecret.random()
        return HeldCredential(handle: .random(), secret: secret, hash: secret.hash)
    }
}
