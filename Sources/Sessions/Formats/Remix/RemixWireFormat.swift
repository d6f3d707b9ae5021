/// Remix's wire format: a signed id in a cookie, and ``RemixRecordFormat`` under that id.
struct RemixWireFormat: SignedIDFormat {
    let signing: RemixCookie
    var cookie: SetCookieTemplate
    let records: RemixRecordFormat
    var makeID: ForeignIDMaker

    /// An id as Remix makes it.
    static func randomID() -> String { ForeignID.uuid() }
}
