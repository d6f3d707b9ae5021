import HTTPTypes

/// koa-session's wire format with a store: an id and its signature in two cookies, and ``KoaRecordFormat`` under that id.
struct KoaWireFormat: ForeignIDFormat {
    let signing: KoaSigning
    private(set) var cookie: SetCookieTemplate
    /// Of the cookie `name.sig`.
    private(set) var signatureCookie: SetCookieTemplate
    let records: KoaRecordFormat
    var makeID: ForeignIDMaker

    var recordsSayDeadline: Bool { true }

    func presentation(in fields: HTTPFields) -> Presentation {
        let signatures = signing.signatures(in: fields)
        return Presentation(fields, name: cookie.name) { value in
            guard !signatures.isEmpty, let id = String(validating: value, as: UTF8.self),
                let key = StoreKey(foreignID: id)
            else { return .refused(.malformed) }
            guard let index = signing.keyIndex(of: value, signedBy: signatures) else { return .refused(.unverifiable) }
            return .genuine(HeldCredential(foreignID: id, key: key, isUnderFirstKey: index == 0))
        }
    }

    func carries(_ id: String) -> Bool { CookieBytes.areCookieOctets(id) }

    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie] {
        guard let id = held.key.foreignID else { return [] }
        let signature = signing.signature(of: id.utf8)
        return [
            NamedCookie(name: cookie.name, field: try cookie.field(value: id, maxAge: maxAge, now: now)),
            NamedCookie(
                name: signatureCookie.name,
                field: try signatureCookie.field(value: signature, maxAge: maxAge, now: now)
            ),
        ]
    }

    func with(_ cookie: SetCookieTemplate) throws(SessionConfigurationError) -> any WireFormat {
        var copy = self
        (copy.cookie, copy.signatureCookie) = (cookie, try cookie.ofSignature)
        return copy
    }

    func expiredCookies() -> [NamedCookie] {
        [cookie, signatureCookie].map { NamedCookie(name: $0.name, field: $0.expired()) }
    }

    /// An id as koa-session makes it.
    static func randomID() -> String { ForeignID.uuid() }
}
