import HTTPTypes

/// express-session's wire format: a signed id in a cookie, and ``ExpressRecordFormat`` under that id.
struct ExpressWireFormat: ForeignIDFormat {
    let signing: ExpressCookie
    private(set) var cookie: SetCookieTemplate
    private(set) var records: ExpressRecordFormat
    var makeID: ForeignIDMaker

    func presentation(in fields: HTTPFields) -> Presentation {
        Presentation(fields, name: cookie.name) { value in
            switch signing.parse(value) {
            case .malformed: return .refused(.malformed)
            case .unverifiable: return .refused(.unverifiable)
            case .genuine(let id, let isUnderFirstSecret):
                guard let key = StoreKey(foreignID: id) else { return .refused(.malformed) }
                return .genuine(HeldCredential(foreignID: id, key: key, isUnderFirstKey: isUnderFirstSecret))
            }
        }
    }

    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie] {
        guard let id = held.key.foreignID else { return [] }
        let field = try cookie.field(value: signing.value(of: id), maxAge: maxAge, now: now)
        return [NamedCookie(name: cookie.name, field: field)]
    }

    func expiredCookies() -> [NamedCookie] { [NamedCookie(name: cookie.name, field: cookie.expired())] }

    func with(_ cookie: SetCookieTemplate) -> (any WireFormat)? {
        var copy = self
        copy.cookie = cookie
        copy.records.cookie = ExpressCookieSettings(maxAge: records.cookie.maxAge, attributes: cookie.attributes)
        return copy
    }

    func cookie(of record: LoadedRecord) -> SetCookieTemplate? {
        records.settings(of: record)?.template(like: cookie)
    }

    /// An id as express-session makes it: 192 random bits as 32 characters of base64url.
    static func randomID() -> String {
        let bytes = Bytes32.random().withUnsafeBytes { Array($0.prefix(24)) }
        return Base64URL.encode(bytes)
    }
}
