#if Hummingbird && SQLite
import CoreMetrics
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import InMemoryTracing
import Logging
import MetricsTestKit
import Sessions
import SessionsHummingbird
import SessionsSQLite
import SessionsTesting
import Testing
import Tracing

/// An application that does everything with its sessions, and whatever it and its database say.
@Suite("I9 unspeakable, end to end")
struct UnspeakableTests {
    @Test(
        "I9, LG-01, LG-02, ID-04: no log line, span, metric, event, report, error, body or database file holds a secret",
        .timeLimit(.minutes(15)),
        arguments: [false, true]
    )
    func nothingSpeaks(isSealed: Bool) async throws {
        let tracer = InMemoryTracer()
        let metrics = TestMetrics()
        try await withTracer(tracer) {
            try await withMetricsFactory(metrics) {
                let scene = try Scene(isSealed: isSealed)
                defer { scene.remove() }
                try await scene.application().test(.router) { client in
                    let driver = Driver(client: client, scene: scene)
                    try await driver.ordinaryDays()
                    try await driver.attacks()
                    try await driver.troubles()
                    scene.told.append(tracer, metrics)
                    let search = try await scene.search()
                    try await scene.expectSilence(search)
                    try await driver.prove(search, tracer, metrics)
                }
            }
        }
    }
}

/// The application, its database, and what it told.
private struct Scene: Sendable {
    let told = Told()
    let clock = ManualSessionClock()
    let faults = StoreFaults()
    let folder: URL
    let store: SQLiteSessionStore
    let secrets: [SessionSecret]
    let sessions: SessionManager
    /// The same application before it got its first key.
    let earlier: SessionManager
    /// Another application with the same keys and the same database.
    let other: SessionManager
    /// Every value of a session cookie that was ever set, and every CSRF token.
    let credentials = Recorder<String>()
    let tokens = Recorder<String>()

    init(isSealed: Bool) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("unspeakable-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        var storage = SQLiteSessionStore.Configuration()
        storage.synchronous = .normal
        // A slow machine is no failure.
        (storage.busyTimeout, storage.deadline) = (.seconds(120), .seconds(240))
        let store = try SQLiteSessionStore(
            path: folder.appendingPathComponent("sessions.sqlite").path,
            configuration: storage
        )
        let secrets = [SessionSecret.generate(), SessionSecret.generate()]
        self.store = store
        self.secrets = secrets
        let (told, clock, faults) = (told, clock, faults)
        func manager(_ keys: [SessionSecret], _ application: String = "app") throws -> SessionManager {
            var configuration = SessionConfiguration()
            configuration.application = application
            configuration.sealsRecords = isSealed
            configuration.rolling = true
            configuration.cookie.persistence = .persistent
            return try SessionManager(
                store: FaultySessionStore(store, faults: faults),
                keys: KeyRing(keys),
                configuration: configuration,
                clock: clock,
                logger: Logger(label: "sessions") { _ in TellingLogHandler(told) },
                observer: { told.append(allOf: $0, to: .event) }
            )
        }
        sessions = try manager(secrets)
        earlier = try manager([secrets[1]])
        other = try manager(secrets, "other")
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    func application() -> Application<RouterResponder<AppContext>> {
        let router = Router(context: AppContext.self)
        router.add(middleware: TracingMiddleware())
        router.add(middleware: MetricsMiddleware())
        router.add(middleware: LogRequestsMiddleware(.trace))
        router.add(middleware: ErrorTeller(told))
        let told = told
        router.add(middleware: SessionMiddleware(sessions) { report, _ in told.append(allOf: report, to: .report) })
        router.withVisits()
        addRoutes(to: router)
        return Application(router: router, logger: Logger(label: "application") { _ in TellingLogHandler(told) })
    }

    private func addRoutes(to router: Router<AppContext>) {
        let (sessions, told, tokens) = (sessions, told, tokens)
        func post(_ path: String, _ body: @escaping @Sendable (Session, Request) async throws -> String) {
            router.post("\(path)") { request, context in try await body(context.session, request) }
        }
        post("rotate") { session, request in
            session.rotate(grace: .seconds(request.uri.queryParameters.get("grace", as: Int.self) ?? 0))
            return "rotated"
        }
        post("restart") { session, _ in
            session.restart()
            return "restarted"
        }
        post("flash") { session, _ in
            session.flash(.notice, "Saved")
            return "\(session.flashes(.notice))"
        }
        post("consume") { session, _ in
            session.set(.name, to: "once")
            try await session.save()
            return try await session.consume(.name).flatMap { $0 } ?? "nothing"
        }
        // What a form is given, by the one way in which it may go.
        post("token") { session, _ in
            let token = session.csrfToken
            tokens.append(token)
            return token
        }
        post("check") { session, request in
            "\(session.acceptsCSRFToken(request.headers[.other("X-CSRF-Token")]))"
        }
        post("remember") { session, _ in
            try session.setLifetime(.aal1)
            return "\(session.lifetime) \(session.absoluteDeadline)"
        }
        post("large") { session, _ in
            session.set(.name, to: String(repeating: "x", count: 70_000))
            return "large"
        }
        post("unencodable") { session, _ in
            session.set(SessionKey<Double>("number", default: 0), to: .nan)
            return "unencodable"
        }
        post("pending") { session, _ in
            session.set(.name, to: "new")
            return try await session.consume(.name).flatMap { $0 } ?? "nothing"
        }
        post("undecodable") { session, _ in
            session.set(.name, to: "text")
            return "\(session[SessionKey<Int>("name", default: 0)])"
        }
        // Checkpoints that have earned a cookie, on an error of each kind.
        for (path, error) in [("broken", ThrowTests.Broken()), ("answered", HTTPError(.badRequest, message: "no"))]
            as [(String, any Error)]
        {
            post(path) { session, _ in
                session.update(.visits) { $0 += 1 }
                session.rotate(grace: .zero)
                try await session.save()
                throw error
            }
            post("\(path)/update") { session, _ in
                session.rotate(grace: .zero)
                try await session.save()
                // Throws when the commit makes it again on a newer record.
                let runs = Recorder<Int>()
                try session.update(.visits) { visits in
                    visits += 1
                    runs.append(visits)
                    if runs.elements.count > 1 { throw error }
                }
                return "updated"
            }
        }
        post("failing") { session, _ in
            session.rotate(grace: .zero)
            try await session.save()
            session.set(.name, to: String(repeating: "y", count: 70_000))
            return "failing"
        }
        post("devices") { session, _ in Told.words(try await sessions.list(session.owner ?? "nobody")) }
        post("revoke-others") { session, _ in "\(try await session.revokeOthers())" }
        post("revoke-all") { session, _ in "\(try await sessions.revokeAll(of: session.owner ?? "nobody"))" }
        post("revoke") { _, request in
            let handle = request.headers[.other("X-Handle")].flatMap { SessionHandle($0) } ?? .random()
            return "\(try await sessions.revoke(handle, of: request.headers[.other("X-Owner")] ?? "nobody"))"
        }
        router.post("late") { _, context in
            let session = try await context.session
            return Response(
                status: .ok,
                body: .init { writer in
                    session.set(.name, to: "late")
                    session.rotate()
                    do { try await session.save() } catch { told.append(allOf: error, to: .error) }
                    session.set(.name, to: "lost")
                    try await writer.finish(nil)
                }
            )
        }
        router.post("words") { _, context in
            let session = try await context.session
            session.update(.visits) { $0 += 1 }
            session.rotate(grace: .seconds(5))
            let exchange = try context.sessionContext.exchange()
            let parts: [Any] = [session, exchange, exchange.fields, exchange.report, session.lifetime, session.names]
            return parts.map(Told.words).joined(separator: "\n")
        }
        router.post("anatomy") { _, context in
            _ = try await context.session
            let parts: [Any] = [sessions, sessions.configuration, sessions.store, context, context.sessionContext]
            return parts.map(Told.words).joined(separator: "\n")
        }
        // The control: an application that says it after all.
        router.post("leak") { request, _ in request.headers[.cookie] ?? "" }
    }

    // MARK: Looking

    /// What to look for: every credential's secret, every token and what is behind it, every key.
    func search() async throws -> SecretSearch {
        var search = SecretSearch()
        for credential in Set(credentials.elements) { search.add(credential: credential) }
        for token in tokens.elements {
            search.add(base64URL: token)
            let bytes = try #require(Base64URL.decode(token.utf8))
            search.add(secret: zip(bytes[..<32], bytes[32...]).map { $0 ^ $1 })
        }
        for secret in secrets { search.add(base64URL: secret.encoded()) }
        return search
    }

    /// The bytes of the database's files as they lie on the disk now.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            files[name] = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
        }
        return files
    }

    func expectSilence(_ search: SecretSearch) async throws {
        for channel in Told.Channel.allCases {
            #expect(told.count(in: channel) > 10, "too little was told by \(channel.rawValue)")
            let piece = search.piece(in: told.text(of: channel))
            #expect(piece == nil, "\(channel.rawValue) tells a piece of a secret")
        }
        let files = try files()
        #expect(Set(files.keys) == ["sessions.sqlite", "sessions.sqlite-wal", "sessions.sqlite-shm"])
        #expect(files.values.reduce(0) { $0 + $1.count } > 100_000)
        for (name, bytes) in files { #expect(search.piece(in: bytes) == nil, "\(name) holds a piece of a secret") }
        // A handle authenticates nothing, and yet it is for lists alone: logs and the like carry its keyed hash.
        let handles = try await store.entries(after: nil, limit: 1000).map(\.key.text)
        #expect(handles.count > 50)
        for channel in [Told.Channel.log, .event, .report, .error, .span, .metric] {
            let text = told.text(of: channel)
            #expect(!handles.contains { text.contains($0) }, "\(channel.rawValue) tells a handle")
        }
    }
}

/// Somebody who uses the application in every way.
private struct Driver: Sendable {
    let client: any TestClientProtocol
    let scene: Scene

    /// One request; what it brings is told and what it sets is remembered.
    @discardableResult
    func send(_ visitor: Visitor, _ path: String, _ headers: HTTPFields = [:]) async throws -> TestResponse {
        let answer = try await visitor.send(.post, path, headers)
        if path != "/token", path != "/leak" { scene.told.append(answer.text, to: .body) }
        for field in answer.headers where field.name != .setCookie { scene.told.append("\(field)", to: .header) }
        remember(visitor.browser)
        return answer
    }

    private func remember(_ browser: SessionBrowser) {
        for value in browser.cookies.values where value.utf8.count == 112 { scene.credentials.append(value) }
    }

    private func visitor() -> Visitor { Visitor(client, SessionBrowser(clock: scene.clock)) }

    /// Logins by the hundred, rotations, logouts, forms, devices.
    func ordinaryDays() async throws {
        let everything = [
            "/visits", "/rotate?grace=30", "/visits", "/rotate", "/flash", "/flash", "/consume", "/token", "/remember",
            "/words", "/devices", "/late", "/undecodable",
        ]
        for number in 0..<100 {
            let visitor = visitor()
            try await send(visitor, "/begin")
            try await send(visitor, "/token")
            #expect(try await send(visitor, "/login?owner=user\(number % 10)").status == .ok)
            for path in number < 10 ? everything : number == 10 ? ["/anatomy"] : ["/visits"] {
                #expect(try await send(visitor, path).status == .ok, "\(path)")
            }
            let token = try await send(visitor, "/token").text
            #expect(try await send(visitor, "/check", [.other("X-CSRF-Token"): token]).text == "true")
            #expect(try await send(visitor, "/check", [.other("X-CSRF-Token"): "\(token)x"]).text == "false")
            switch number % 10 {
            case 0: try await send(visitor, "/logout")
            case 1: try await send(visitor, "/restart")
            case 2: try await send(visitor, "/revoke-others")
            case 3: try await send(visitor, "/login?owner=somebody-else")
            default: break
            }
            scene.clock.advance(by: .seconds(1))
        }
        // A cookie under the older key is issued again under the first.
        let browser = SessionBrowser(clock: scene.clock)
        try await browser.visit(scene.earlier) { $0.logIn("early") }
        remember(browser)
        #expect(try await send(Visitor(client, browser), "/visits").sessionCookies.count == 1)
        #expect(Set(scene.credentials.elements).count > 200)
    }

    /// Cookies that are not what they seem; revokes by whoever has no right to; old credentials.
    func attacks() async throws {
        let visitor = visitor()
        try await send(visitor, "/login?owner=victim")
        let thief = visitor.copy()
        try await send(visitor, "/rotate?grace=30")
        try await send(thief, "/visits")
        scene.clock.advance(by: .seconds(61))
        for path in ["/visits", "/login?owner=thief", "/logout", "/words", "/token"] {
            let copy = thief.copy()
            try await send(copy, path)
        }
        let foreign = SessionBrowser(clock: scene.clock)
        try await foreign.visit(scene.other) { $0.logIn("victim") }
        remember(foreign)
        let genuine = try #require(visitor.credential)
        let flipped = String(genuine.map { $0.isLowercase ? Character($0.uppercased()) : Character($0.lowercased()) })
        let hostile = [
            genuine + "x", String(genuine.dropLast()), "\"\(genuine)\"", "%41\(genuine)", flipped, "x; \(genuine)",
            String(genuine.reversed()), String(genuine.dropFirst(27)), genuine.replacing("-", with: "+") + "=",
            "\(genuine); __Host-Http-sid=\(try #require(foreign.cookies.values.first))", "\u{1B}[31m\(genuine)",
            "é\(genuine)",
            try #require(foreign.cookies.values.first), String(repeating: genuine, count: 100),
        ]
        for value in hostile {
            for path in ["/visits", "/words", "/logout"] {
                let browser = SessionBrowser(clock: scene.clock)
                browser.plant("__Host-Http-sid", value)
                try await send(Visitor(client, browser), path)
            }
            // As a name, as another cookie, and where no credential belongs at all.
            try await send(self.visitor(), "/visits", [.cookie: "\(value)=1; a=\(value)"])
            try await send(
                self.visitor(),
                "/visits",
                [.authorization: "Bearer \(value)", .other("X-Session-Id"): value]
            )
        }
        let handles = try await scene.sessions.list("victim").map(\.handle)
        for handle in handles {
            try await send(self.visitor(), "/revoke", [.other("X-Handle"): handle.description])
        }
        #expect(try await scene.sessions.list("victim").count == handles.count)
        try await send(visitor, "/revoke-all")
        try await send(visitor, "/visits")
    }

    /// What no request asks of a store.
    private static let ofNoRequest: Set<StoreOperation> = [.sweep, .count, .entries, .removeAll]

    /// A store that fails before and after the fact, handlers that throw, sessions that end meanwhile.
    func troubles() async throws {
        let paths = [
            "/visits", "/login?owner=ann", "/rotate", "/rotate?grace=20", "/flash", "/consume", "/devices", "/words",
            "/revoke-all", "/broken", "/answered", "/failing", "/restart", "/logout",
        ]
        for isLost in [false, true] {
            for operation in StoreOperation.allCases where !Self.ofNoRequest.contains(operation) {
                let visitor = visitor()
                try await send(visitor, "/login?owner=ann")
                for path in paths {
                    for count in [1, 5] {
                        if isLost {
                            scene.faults.failAfter(operation, next: count)
                        } else {
                            scene.faults.failBefore(operation, next: count)
                        }
                        try await send(visitor, path)
                        scene.faults.clear()
                    }
                }
                scene.clock.advance(by: .seconds(61))
            }
        }
        let visitor = visitor()
        for path in [
            "/login?owner=bob", "/broken", "/answered", "/failing", "/large", "/unencodable", "/pending", "/nowhere",
            "/broken/update", "/answered/update",
        ] {
            let status = try await send(visitor, path).status
            #expect((status == .ok) == (path.hasPrefix("/login") || path.hasSuffix("/update")), "\(path)")
        }
        for path in ["/broken/update", "/answered/update", "/visits", "/words", "/failing"] {
            // Another request changes the session, and yet another ends it, a moment before the commit.
            for ends in [false, true] {
                try await send(visitor, "/login?owner=bob")
                scene.faults.before(.replace, call: path == "/visits" || path == "/words" ? 1 : 2) {
                    for entry in try await scene.store.entries(of: OwnerKey("app/__Host-Http-sid:bob")) {
                        var record = entry.record
                        record.version = .random()
                        if ends {
                            _ = try await scene.store.delete(entry.key, ifVersion: nil)
                        } else {
                            _ = try await scene.store.replace(record, at: entry.key, ifVersion: entry.record.version)
                        }
                    }
                }
                try await send(visitor, path)
                scene.faults.clear()
            }
        }
        // A login that the owner's revoke-all overtakes.
        scene.faults.before(.insert) {
            scene.clock.advance(by: .seconds(1))
            try await scene.sessions.revokeAll(of: "carol")
        }
        #expect(try await send(self.visitor(), "/login?owner=carol").status == .conflict)
    }

    /// The control: each way of telling would have been found out.
    func prove(_ search: SecretSearch, _ tracer: InMemoryTracer, _ metrics: TestMetrics) async throws {
        struct Leak: Error { let value: String }
        let credential = try #require(scene.credentials.elements.first)
        let bytes = try #require(Base64URL.decode(credential.utf8))
        let told = Told()
        Logger(label: "control") { _ in TellingLogHandler(told) }
            .trace("a line", metadata: ["cookies": ["\(credential)"]])
        told.append(allOf: Leak(value: credential), to: .error)
        tracer.withSpan("control") { $0.attributes["cookie"] = credential }
        Counter(label: "control", dimensions: [("id", credential)], factory: metrics).increment()
        told.append(tracer, metrics)
        let visitor = visitor()
        visitor.browser.plant("__Host-Http-sid", credential)
        told.append(try await send(visitor, "/leak").text, to: .body)
        for channel in [Told.Channel.log, .error, .span, .metric, .body] {
            #expect(search.piece(in: told.text(of: channel)) != nil, "the search finds nothing in \(channel.rawValue)")
        }
        let record = StoredRecord(
            payload: Array("{\"x\":\"".utf8) + bytes[30..<40] + Array("\"}".utf8),
            version: .random(),
            idleDeadline: .distantFuture,
            absoluteDeadline: .distantFuture
        )
        #expect(try await scene.store.insert(record, at: StoreKey(.random())))
        #expect(try scene.files().values.contains { search.piece(in: $0) != nil }, "the search finds nothing on disk")
        try await scene.store.close()
        // What fails for good is silent too.
        let count = scene.told.count(in: .error)
        #expect(try await send(self.visitor(), "/visits").status == .serviceUnavailable)
        #expect(scene.told.count(in: .error) > count)
        #expect(search.piece(in: scene.told.text(of: .error)) == nil)
    }
}
#endif
