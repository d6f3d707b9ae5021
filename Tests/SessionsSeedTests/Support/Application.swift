#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting

/// The request context of the applications under test.
struct AppContext: SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionContext = SessionContext()

    init(source: Source) { coreContext = .init(source: source) }
}

extension Service {
    /// Runs an application with the session middleware around these routes, and hands a browser at it to `body`.
    func serve(
        _ routes: (Router<AppContext>) -> Void,
        _ body: @escaping @Sendable (Visitor) async throws -> Void
    ) async throws {
        let router = Router(context: AppContext.self)
        router.add(middleware: SessionMiddleware(sessions))
        routes(router)
        try await serve(router, body)
    }

    /// Runs an application with a router that has its middlewares already.
    func serve(
        _ router: Router<AppContext>,
        _ body: @escaping @Sendable (Visitor) async throws -> Void
    ) async throws {
        let clock = clock
        let name = cookieName
        try await Application(router: router, logger: .quiet).test(.router) { client in
            try await body(Visitor(client, name, SessionBrowser(clock: clock)))
        }
    }

    /// The same with one handler for `GET /`, whose answer is text.
    func serve(
        get handler: @escaping @Sendable (Session) async throws -> String,
        _ body: @escaping @Sendable (Visitor) async throws -> Void
    ) async throws {
        try await serve({ $0.get { _, context in try await handler(context.session) } }, body)
    }
}

extension Service {
    /// The value of the session cookie that an answer sets.
    func cookie(of answer: Answer) -> String? {
        answer.setCookie.map { String($0.prefix { $0 != ";" }) }
    }
}

/// A browser at the application under test.
struct Visitor: Sendable {
    private let client: any TestClientProtocol
    private let name: String
    let browser: SessionBrowser

    init(_ client: any TestClientProtocol, _ name: String, _ browser: SessionBrowser) {
        self.client = client
        self.name = name
        self.browser = browser
    }

    /// The session cookie's value.
    var cookie: String? { browser.cookies[name] }

    /// A browser with the same cookies.
    func copy() -> Visitor { Visitor(client, name, browser.copy()) }

    /// A browser without any.
    func stranger(_ clock: some SessionClock) -> Visitor { Visitor(client, name, SessionBrowser(clock: clock)) }

    @discardableResult
    func get(_ uri: String = "/", _ headers: HTTPFields = [:]) async throws -> Answer {
        try await send(.get, uri, headers)
    }

    @discardableResult
    func send(_ method: HTTPRequest.Method, _ uri: String = "/", _ headers: HTTPFields = [:]) async throws -> Answer {
        let request = browser.request(method, uri, headerFields: headers)
        let response = try await client.execute(uri: uri, method: method, headers: request.headerFields)
        browser.receive(response.head)
        return Answer(response, name)
    }
}

/// What the application answered.
struct Answer: Sendable {
    let status: Int
    let text: String
    let headers: HTTPFields
    /// The session's Set-Cookie field, if there is one; what stands after the name and the equals sign.
    let setCookie: String?
    /// All Set-Cookie fields.
    let setCookies: [String]

    init(_ response: TestResponse, _ name: String) {
        status = response.status.code
        text = String(buffer: response.body)
        headers = response.headers
        setCookies = response.headers[values: .setCookie]
        setCookie = setCookies.last { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    /// An attribute of the session's Set-Cookie field: its value, empty where it has none.
    func attribute(_ name: String) -> String? {
        for part in (setCookie ?? "").split(separator: ";", omittingEmptySubsequences: false).dropFirst() {
            let halves = part.split(separator: "=", maxSplits: 1).map(\.trimmed)
            if halves.first?.lowercased() == name.lowercased() { return halves.count > 1 ? halves[1] : "" }
        }
        return nil
    }
}
#endif
