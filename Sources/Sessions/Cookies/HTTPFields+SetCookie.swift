package import HTTPTypes

extension HTTPFields {
    /// Appends `field`, a `Set-Cookie` for `name`, and drops the earlier ones for that name.
    ///
    /// A response has one at most (RFC 6265bis section 4.1.1, checklist CK-09). All other fields stay as they are.
    package mutating func appendSetCookie(_ field: HTTPField, for name: CookieName) {
        func isForName(_ field: HTTPField) -> Bool {
            field.name == .setCookie && field.withUnsafeBytesOfValue { Self.isSetCookie($0, for: name) }
        }
        if contains(where: isForName) {
            self = filter { !isForName($0) }
        }
        append(field)
    }

    /// Whether a browser would take `value` for a cookie called `name`: it strips spaces and tabs around the name.
    private static func isSetCookie(_ value: UnsafeBufferPointer<UInt8>, for name: CookieName) -> Bool {
        let pair = value.prefix { $0 != CookieBytes.semicolon }
        guard let equals = pair.firstIndex(of: CookieBytes.equals) else { return false }
        var found = pair[..<equals].drop(while: CookieBytes.isBlank)
        while let last = found.last, CookieBytes.isBlank(last) { found = found.dropLast() }
        return found.elementsEqual(name.bytes)
    }
}
