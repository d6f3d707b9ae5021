/// The requests that a cookie travels with: those of its name, its domain and its path (RFC 6265bis section 5.8.3).
struct CookieScope: Sendable {
    let name: CookieName
    /// In lower case; `nil` for the host alone that sets the cookie.
    let domain: String?
    let path: String

    /// Whether some request may carry both cookies, so that each would be taken for the other.
    ///
    /// A cookie without a domain belongs to whatever host answers. Which one that is cannot be told here, so it is
    /// taken to be one that the other cookie reaches.
    func overlaps(_ other: CookieScope) -> Bool {
        guard name == other.name else { return false }
        let isOneHost =
            if let domain, let otherDomain = other.domain {
                Self.covers(domain, otherDomain) || Self.covers(otherDomain, domain)
            } else {
                true
            }
        return isOneHost && (Self.reaches(path, other.path) || Self.reaches(other.path, path))
    }

    /// Whether `host` is `domain` or lies under it (RFC 6265bis section 5.1.3).
    private static func covers(_ domain: String, _ host: String) -> Bool {
        let (domain, host) = (Array(domain.utf8), Array(host.utf8))
        guard domain.count < host.count else { return domain == host }
        return host.suffix(domain.count).elementsEqual(domain) && host[host.count - domain.count - 1] == 0x2E
    }

    /// Whether a cookie with this path travels to `target` (RFC 6265bis section 5.1.4).
    static func reaches(_ path: String, _ target: String) -> Bool {
        let (path, target) = (Array(path.utf8), Array(target.utf8))
        guard target.starts(with: path) else { return false }
        return target.count == path.count || path.last == 0x2F || target[path.count] == 0x2F
    }
}

extension SetCookieTemplate {
    /// The requests that the cookie travels with.
    var scope: CookieScope { CookieScope(name: name, domain: attributes.domain, path: attributes.path) }
}
