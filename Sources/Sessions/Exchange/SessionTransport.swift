/// Where a session's credential travels.
///
/// ``SessionConfiguration/transport`` names one, or both.
public struct SessionTransport: OptionSet, Sendable, Hashable {
    /// A bit for each transport.
    public let rawValue: UInt8

    /// Creates a set of transports; a manager refuses bits that stand for none.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// In a cookie: browsers keep it, send it along, and let no script read it.
    public static let cookie = SessionTransport(rawValue: 1)

    /// In header fields, for API and mobile clients: the request has `Authorization: Bearer` with the credential (RFC 6750
    /// section 2.1), and the response `Session-Credential`, if the client is to use another one from now on. Its value is
    /// the credential, or `none` if the client has none any more.
    public static let header = SessionTransport(rawValue: 2)

    /// Where the session of a client begins that has said nothing else.
    var first: SessionTransport { contains(.cookie) ? .cookie : .header }
}
