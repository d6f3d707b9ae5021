#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SessionsTesting

/// A browser at the application under test.
struct Visitor: Sendable {
    private let client: any TestClientProtocol
    let browser: SessionBrowser

    init(_ client: any TestClientProtocol, _ browser: SessionBrowser = SessionBrowser()) {
        self.client = client
        self.browser = browser
    }

    /// The credential that the browser holds under the default name.
    var credential: String? { browser.cookies["__Host-Http-sid"] }

    /// A browser with the same cookies: another tab, or a thief.
    func copy() -> Visitor { Visitor(client, browser.copy()) }

    @discardableResult
    func get(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await send(.get, uri, headers)
    }

    @discardableResult
    func post(_ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        try await send(.post, uri, headers)
    }

    @discardableResult
    func send(_ method: HTTPRequest.Method, _ uri: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        let request = browser.request(method, uri, headerFields: headers)
        let response = try await client.execute(uri: uri, method: method, headers: request.headerFields)
        browser.receive(response.head)
        return response
    }
}

extension TestResponse {
    /// The body as text.
    var text: String { String(buffer: body) }

    /// The Set-Cookie fields, each as it stands on the wire.
    var setCookies: [String] { headers[values: .setCookie] }

    /// The Set-Cookie fields of our cookie.
    var sessionCookies: [String] { setCookies.filter { $0.hasPrefix("__Host-Http-sid=") } }

    /// The members of the Vary fields.
    var vary: [String] {
        headers[values: .vary].flatMap { $0.split(separator: ",") }.map { $0.drop { $0 == " " }.lowercased() }
    }
}
#endif
