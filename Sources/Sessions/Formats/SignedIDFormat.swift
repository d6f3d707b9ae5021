import HTTPTypes

/// A wire format of one cookie, which has the id and its signature.
protocol SignedIDFormat: ForeignIDFormat {
    associatedtype Signing: SignedCookie

    var signing: Signing { get }
    var cookie: SetCookieTemplate { get set }
}

/// How the value of another system's cookie says a text and its signature.
protocol SignedCookie: Sendable {
    /// The cookie's value for `text`.
    func value(of text: String) -> String

    /// Reads a cookie's value.
    func parse(_ value: [UInt8]) -> SignedText
}

/// What the value of another system's signed cookie turns out to be.
enum SignedText: Sendable, Equatable {
    case malformed
    case unverifiable
    case genuine(text: String, isUnderFirstSecret: Bool)
}

extension SignedIDFormat {
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

    func with(_ cookie: SetCookieTemplate) -> any WireFormat {
        var copy = self
        copy.cookie = cookie
        return copy
    }
}
