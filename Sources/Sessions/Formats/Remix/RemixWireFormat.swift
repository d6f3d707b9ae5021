import HTTPTypes

/// Remix's wire format: a signed id in a cookie, and ``RemixRecordFormat`` under that id.
struct RemixWireFormat: ForeignIDFormat {
    let signing: RemixCookie
    let cookie: SetCookieTemplate
    let records: RemixRecordFormat
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

    /// An id as Remix makes it.
    static func randomID() -> String { ForeignID.uuid() }
}
