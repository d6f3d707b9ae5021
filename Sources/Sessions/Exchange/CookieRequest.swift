public import HTTPTypes

/// A request as the settings of its cookie may depend on it, and the id of the session that it begins; see
/// ``SessionConfiguration/cookieForRequest``, and `generateIDForRequest` of ``SessionManager``.
///
/// Printing it shows nothing of the request: its cookie is among the fields (checklist CR-14).
public struct CookieRequest: Sendable, CustomStringConvertible, CustomReflectable {
    /// The request's head. An exchange that was opened with header fields alone has a `GET` with those, and neither
    /// scheme, nor authority, nor path.
    public let head: HTTPRequest

    /// Whether the client's own connection is encrypted, as far as ``SessionConfiguration/proxies`` lets it be told; where
    /// that is `nil`, whether the server's connection is known to be.
    public let isSecure: Bool

    /// The connection that the request came on, if the adapter has told.
    public let connection: RequestConnection?

    public var description: String { "CookieRequest(redacted)" }

    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What an exchange keeps of its request where the cookie's settings depend on it.
final class RequestDetails: Sendable {
    let head: HTTPRequest
    let connection: RequestConnection?

    init(_ head: HTTPRequest, _ connection: RequestConnection?) {
        self.head = head
        self.connection = connection
    }
}
