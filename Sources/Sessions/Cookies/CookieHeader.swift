public import HTTPTypes

/// The cookies of a request, read from any number of `Cookie` fields.
///
/// HTTP/2 and HTTP/3 clients send one field for each cookie, so all fields are read (RFC 9113 section 8.2.3). Nothing
/// is parsed ahead: a lookup scans for its one name, on bytes, and allocates nothing but what it finds.
///
/// The values may be credentials. They show in no description, no reflection and no `dump`.
public struct CookieHeader: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let fields: HTTPFields
    private let limits: CookieLimits

    /// The cookies in a request's fields.
    ///
    /// - Parameters:
    ///   - fields: The request's fields; those that are no `cookie` fields are passed over.
    ///   - limits: How much is read; a request beyond it has no readable cookie (checklist PR-10).
    public init(_ fields: HTTPFields, limits: CookieLimits = .default) {
        self.fields = fields
        self.limits = limits
    }

    /// The value of the cookie `name`, just as the client sent it: quotes and percent signs are part of it.
    ///
    /// It is `nil` if there is no such cookie, if the request has several distinct values under that name, because
    /// any of them may have been planted (PR-09), if the value is not UTF-8, and if the request goes beyond the
    /// limits. Names are compared byte for byte.
    public subscript(name: CookieName) -> String? {
        guard case .one(let value) = lookup(name) else { return nil }
        return String(validating: value, as: UTF8.self)
    }

    /// The values that the request has under `name`.
    package func lookup(_ name: CookieName) -> CookieLookup {
        var scanner = CookieScanner(name: name, limits: limits)
        // The length first: it is read in place, while comparing names or copying a field out of the list costs
        // several times as much, for each of a dozen other fields.
        for index in 0..<fields.count
        where fields[index].name.canonicalName.utf8.count == 6 && fields[index].name == .cookie {
            guard fields[index].withUnsafeBytesOfValue({ scanner.scan($0) }) else { break }
        }
        return scanner.result
    }

    /// The name of the type: cookies are not for logs.
    public var description: String { "CookieHeader" }

    /// The name of the type: cookies are not for logs.
    public var debugDescription: String { description }

    /// A mirror without children: cookies are not for logs.
    public var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
