/// Remix's wire format: a signed id in a cookie, and ``RemixRecordFormat`` under that id.
struct RemixWireFormat: SignedIDFormat {
    let signing: RemixCookie
    private(set) var cookie: SetCookieTemplate
    let records: RemixRecordFormat
    var makeID: ForeignIDMaker

    func with(_ cookie: SetCookieTemplate) -> any WireFormat {
        var copy = self
        copy.cookie = cookie
        return copy
    }

    /// An id as Remix makes it.
    static func randomID() -> String { ForeignID.uuid() }
}
