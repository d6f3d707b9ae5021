/// express-session's wire format: a signed id in a cookie, and ``ExpressRecordFormat`` under that id.
struct ExpressWireFormat: SignedIDFormat {
    let signing: ExpressCookie
    var cookie: SetCookieTemplate
    private(set) var records: ExpressRecordFormat
    var makeID: ForeignIDMaker

    func with(_ cookie: SetCookieTemplate) -> any WireFormat {
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
