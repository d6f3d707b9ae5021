import HTTPTypes

/// Spells a session as the value of its cookie, and reads it again, where sessions live in their cookies.
protocol CookieCodec: Sendable {
    /// What a cookie's value is.
    ///
    /// - Parameter fields: The request's, where another cookie says whether the value is genuine.
    func parse(_ value: [UInt8], in fields: HTTPFields) -> ParsedCookie

    /// The session as a cookie's value, with the credential that the client holds from now on.
    ///
    /// - Throws: ``SessionError/Code/tooLarge`` if it is too large for any cookie.
    func value(of record: LoadedRecord, held: HeldCredential) throws -> String

    /// The cookies that go with one of this value, each with its fields; the session's own is not among them.
    func cookies(beside value: String, _ cookie: SetCookieTemplate) throws -> [(SetCookieTemplate, value: String)]
}

extension CookieCodec {
    func cookies(beside value: String, _ cookie: SetCookieTemplate) throws -> [(SetCookieTemplate, value: String)] {
        []
    }
}

/// What a cookie's value turns out to be, where sessions live in their cookies.
enum ParsedCookie: Sendable {
    /// Not the spelling of a session. No key was used to find out (checklist PR-12, DS-08).
    case malformed
    /// No key of the ring has made it, for this application and this cookie (CR-02, CR-03, CR-06).
    case unverifiable
    /// Ours, and this version of the library does not know how to read it.
    case unreadable(HeldCredential?)
    case session(LoadedRecord, HeldCredential)
}
