package import HTTPTypes
package import SessionsTesting

/// A browser at the server under test. Each request has a connection of its own.
package struct WireVisitor: Sendable {
    package let port: Int
    package let browser: SessionBrowser

    package init(_ port: Int, _ browser: SessionBrowser = SessionBrowser()) {
        self.port = port
        self.browser = browser
    }

    /// The credential that the browser holds.
    package var credential: String? { browser.cookies["__Host-Http-sid"] }

    /// A browser with the same cookies: another tab, or a thief.
    package func copy() -> WireVisitor { WireVisitor(port, browser.copy()) }

    /// A request with the cookies of the browser. It says that it comes from the site's own pages, as browsers do, unless
    /// `fields` say where it comes from.
    package func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields = [:]
    ) -> HTTPRequest {
        var fields = fields
        if !fields.contains(.origin), !fields.contains(.secFetchSite) { fields[.secFetchSite] = "same-origin" }
        return browser.request(method, path, headerFields: fields)
    }

    @discardableResult
    package func get(_ path: String, _ fields: HTTPFields = [:]) async throws -> WireResponse {
        try await send(.get, path, fields)
    }

    @discardableResult
    package func post(_ path: String, _ fields: HTTPFields = [:]) async throws -> WireResponse {
        try await send(.post, path, fields)
    }

    @discardableResult
    package func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields = [:],
        body: String = ""
    ) async throws -> WireResponse {
        let connection = try await WireConnection(port: port)
        return try await send(method, path, fields, body: body, over: connection)
    }

    /// A request over a connection that is shared.
    @discardableResult
    package func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields = [:],
        body: String = "",
        over connection: WireConnection
    ) async throws -> WireResponse {
        try await connection.send(request(method, path, fields), body: body)
        let response = try await connection.receive(method)
        browser.receive(HTTPResponse(status: .init(code: response.status), headerFields: response.fields))
        return response
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
