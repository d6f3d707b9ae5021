public import HTTPTypes
public import Sessions
import Synchronization

/// A client with a cookie jar that goes by the browsers' rules (draft-ietf-httpbis-rfc6265bis), for tests of an
/// application's own logins.
///
/// ```swift
/// let browser = SessionBrowser()
/// try await browser.visit(sessions) { session in session.logIn("ada") }
/// let owner = try await browser.visit(sessions) { session in session.owner }
/// ```
///
/// It also drives any other handler: make the request with ``request(_:_:headerFields:)``, and show it the response with
/// ``receive(_:)``.
public final class SessionBrowser: Sendable {
    private struct Cookie: Sendable {
        var name: String
        var value: String
        var path: String
        var isSecure: Bool
        var expires: Timestamp?
    }

    private let authority: String
    private let isSecure: Bool
    private let clock: any SessionClock
    private let jar = Mutex<[Cookie]>([])

    /// Creates a client of one host with an empty jar.
    ///
    /// - Parameters:
    ///   - authority: the host.
    ///   - isSecure: whether it is reached by HTTPS; `Secure` cookies are neither kept nor sent otherwise.
    ///   - clock: what cookies expire by.
    public init(
        authority: String = "app.example",
        isSecure: Bool = true,
        clock: any SessionClock = SystemSessionClock()
    ) {
        self.authority = authority
        self.isSecure = isSecure
        self.clock = clock
    }

    /// A client with a copy of this one's jar, as it is now: another tab, or somebody who stole the cookies.
    public func copy() -> SessionBrowser {
        let copy = SessionBrowser(authority: authority, isSecure: isSecure, clock: clock)
        let cookies = jar.withLock { $0 }
        copy.jar.withLock { $0 = cookies }
        return copy
    }

    /// The values in the jar by the cookies' names.
    public var cookies: [String: String] {
        jar.withLock { jar in Dictionary(jar.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }) }
    }

    /// Puts a cookie into the jar, as an attacker might.
    public func plant(_ name: String, _ value: String) {
        store(Cookie(name: name, value: value, path: "/", isSecure: isSecure, expires: nil))
    }

    /// A request with the cookies that belong to its path.
    public func request(
        _ method: HTTPRequest.Method = .get,
        _ path: String = "/",
        headerFields: HTTPFields = [:]
    ) -> HTTPRequest {
        var fields = headerFields
        let now = clock.now()
        let pairs = jar.withLock { jar -> [String] in
            jar.removeAll { cookie in cookie.expires.map { $0 <= now } ?? false }
            return jar.filter { cookie in
                (isSecure || !cookie.isSecure) && Self.matches(path, cookie.path)
            }
            .sorted { $0.path.utf8.count > $1.path.utf8.count }
            .map { "\($0.name)=\($0.value)" }
        }
        if !pairs.isEmpty { fields.append(HTTPField(name: .cookie, value: pairs.joined(separator: "; "))) }
        return HTTPRequest(
            method: method,
            scheme: isSecure ? "https" : "http",
            authority: authority,
            path: path,
            headerFields: fields
        )
    }

    /// Takes in the cookies that `response` sets and expires.
    public func receive(_ response: HTTPResponse) {
        for field in response.headerFields[fields: .setCookie] { receive(field.value) }
    }

    /// One request with a session: opens an exchange, runs `handler`, commits, and takes in the response.
    ///
    /// - Returns: what `handler` returns.
    /// - Throws: what `handler` or the commit throws; the cookies that an error carries are taken in.
    @discardableResult
    public func visit<Result>(
        _ sessions: SessionManager,
        _ handler: (Session) async throws -> Result
    ) async throws -> Result {
        let exchange = sessions.open(request())
        var response = HTTPResponse(status: .ok)
        let result: Result
        do {
            result = try await handler(exchange.session)
        } catch {
            try await exchange.commit(.threw(carriesFields: true)).apply(to: &response)
            receive(response)
            throw error
        }
        do {
            try await exchange.commit().apply(to: &response)
        } catch let error as SessionError {
            error.fields.apply(to: &response)
            receive(response)
            throw error
        }
        receive(response)
        return result
    }

    // MARK: The jar

    private func store(_ cookie: Cookie) {
        jar.withLock { jar in
            jar.removeAll { $0.name == cookie.name && $0.path == cookie.path }
            if cookie.expires.map({ $0 > clock.now() }) ?? true { jar.append(cookie) }
        }
    }

    /// Takes in one Set-Cookie field. Our own responses are ASCII, so text is good enough here.
    private func receive(_ text: String) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        guard let pair = parts.first, let equals = pair.firstIndex(of: "=") else { return }
        var cookie = Cookie(
            name: String(pair[..<equals]),
            value: String(pair[pair.index(after: equals)...]),
            path: "/",
            isSecure: false,
            expires: nil
        )
        var (hasDomain, hasMaxAge) = (false, false)
        for attribute in parts.dropFirst() {
            let halves = attribute.split(separator: "=", maxSplits: 1).map(String.init)
            switch halves.first?.lowercased() {
            case "path": cookie.path = halves.count > 1 ? halves[1] : "/"
            case "secure": cookie.isSecure = true
            case "domain": hasDomain = true
            case "max-age":
                guard let seconds = halves.last.flatMap({ Int64($0) }) else { continue }
                hasMaxAge = true
                cookie.expires = seconds <= 0 ? Timestamp(microseconds: .min) : clock.now() + .seconds(seconds)
            // Max-Age is the one that counts.
            case "expires" where !hasMaxAge: cookie.expires = halves.last.flatMap { CookieDate.parse($0) }
            default: break
            }
        }
        guard isSecure || !cookie.isSecure else { return }
        let name = cookie.name.lowercased()
        if name.hasPrefix("__host-"), !cookie.isSecure || hasDomain || cookie.path != "/" { return }
        if name.hasPrefix("__secure-"), !cookie.isSecure { return }
        store(cookie)
    }

    private static func trimmed(_ part: Substring) -> String {
        String(part.drop(while: { $0 == " " }).reversed().drop(while: { $0 == " " }).reversed())
    }

    /// RFC 6265 section 5.1.4.
    private static func matches(_ path: String, _ cookiePath: String) -> Bool {
        let path = path.prefix { $0 != "?" }
        return path == cookiePath || path.hasPrefix(cookiePath.hasSuffix("/") ? cookiePath : cookiePath + "/")
    }
}
