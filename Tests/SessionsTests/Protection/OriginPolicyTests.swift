import HTTPTypes
import SessionsTesting
import Synchronization
import Testing

@testable import Sessions

/// The settings of an origin policy, and what Remix's cross-origin protection does (seed-behaviours 1.6).
@Suite("OriginPolicy")
struct OriginPolicyTests {
    private static let own = "https://app.example"

    private func request(
        _ method: HTTPRequest.Method = .post,
        site: String? = nil,
        origin: String? = nil,
        _ fields: HTTPFields = [:]
    ) throws -> HTTPRequest {
        var fields = fields
        fields[try #require(HTTPField.Name("Sec-Fetch-Site"))] = site
        fields[.origin] = origin
        return HTTPRequest(method: method, scheme: "https", authority: "app.example", path: "/", headerFields: fields)
    }

    @Test("CS-01: a request that does not say where it comes from: refused with a session, or always, or never")
    func missingOrigin() throws {
        for (rule, expected) in [
            (.refusedWithSession, [nil, .unknownOrigin]), (.refused, [.unknownOrigin, .unknownOrigin]),
            (.accepted, [nil, nil]),
        ] as [(OriginPolicy.MissingOrigin, [OriginPolicy.Refusal?])] {
            let policy = try OriginPolicy(origins: [Self.own], missingOrigin: rule)
            let silent = try request()
            #expect([false, true].map { policy.refusal(of: silent, carriesSession: $0) } == expected)
            // What says something wrong is refused under each rule.
            let evil = try request(origin: "https://evil.example")
            #expect(policy.refusal(of: evil, carriesSession: false) == .foreignOrigin)
            #expect(policy.refusal(of: try request(site: "cross-site"), carriesSession: false) == .crossSite)
        }
    }

    @Test("without a manager, a cookie of any name and a password of the browser's count as a session")
    func noManager() throws {
        let policy = try OriginPolicy(origins: [Self.own])
        #expect(policy.refusal(of: try request(), for: nil) == nil)
        #expect(policy.refusal(of: try request([.cookie: "a=1"]), for: nil) == .unknownOrigin)
        #expect(policy.refusal(of: try request([.authorization: "Basic eDp5"]), for: nil) == .unknownOrigin)
        let sessions = try SessionFixture().sessions
        #expect(policy.refusal(of: try request([.cookie: "a=1"]), for: sessions) == nil)
        #expect(policy.refusal(of: try request([.cookie: "__Host-Http-sid=x"]), for: sessions) == .unknownOrigin)
    }

    private func request(_ fields: HTTPFields) throws -> HTTPRequest { try request(.post, fields) }

    @Test("CS-02: an application that trusts by a rule is asked about exact origins alone")
    func trusts() throws {
        let asked = EventTexts()
        let policy = try OriginPolicy(origins: []) { origin in
            asked.append(origin)
            return origin.hasSuffix(".shop.example")
        }
        for origin in ["https://a.shop.example", "https://b.shop.example"] {
            #expect(policy.refusal(of: try request(site: "cross-site", origin: origin), carriesSession: true) == nil)
        }
        let known = asked.texts
        #expect(known.count == 2)
        for origin in [
            "null", "http://a.shop.example", "https://A.shop.example", "https://a.shop.example:443", "a.shop.example",
            "https://x/.shop.example", "https://evil.example?.shop.example", "https://evil.example#.shop.example",
            "https://u@a.shop.example", "https://a.shop.example, https://b.shop.example", "",
        ] {
            let request = try request(site: "cross-site", origin: origin)
            #expect(policy.refusal(of: request, carriesSession: true) == .crossSite, "\(origin)")
        }
        #expect(asked.texts == known)
        let evil = try request(site: "cross-site", origin: "https://evil.example")
        #expect(policy.refusal(of: evil, carriesSession: true) == .crossSite)
    }

    @Test("CS-04: neither Host nor what a proxy is said to have seen makes an origin the application's own")
    func spoofedTarget() throws {
        let policy = try OriginPolicy(origins: [Self.own])
        for name in ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Host", "X-Original-Host", "Referer"] {
            let fields: HTTPFields = [try #require(HTTPField.Name(name)): "evil.example"]
            var request = try request(origin: "https://evil.example", fields)
            request.authority = "evil.example"
            #expect(policy.refusal(of: request, carriesSession: true) == .foreignOrigin)
        }
    }

    @Test("CS-15: a browser's registration of a device-bound session passes: same origin, no body, no token")
    func deviceBound() throws {
        // As Chromium 156 sends it.
        let fields: HTTPFields = [
            try #require(HTTPField.Name("Sec-Fetch-Mode")): "no-cors", .contentLength: "0",
            .cookie: "__Host-Http-sid=x",
            try #require(HTTPField.Name("Secure-Session-Response")): "eyJhbGciOiJFUzI1NiJ9.e30.c2ln",
        ]
        let policy = try OriginPolicy(origins: [Self.own])
        let sessions = try SessionFixture().sessions
        let registration = try request(site: "same-origin", origin: Self.own, fields)
        #expect(policy.refusal(of: registration, for: sessions) == nil)
        let foreign = try request(site: "cross-site", origin: "https://evil.example", fields)
        #expect(policy.refusal(of: foreign, for: sessions) == .crossSite)
    }

    // MARK: Remix

    @Test(
        "remix cop 1–8: safe methods, same-origin and none pass, any other site is refused, and Origin decides without one",
        arguments: [
            ("GET", "cross-site", nil, true), ("HEAD", "cross-site", nil, true), ("OPTIONS", "cross-site", nil, true),
            ("POST", "same-origin", nil, true), ("POST", "none", nil, true), ("POST", "cross-site", nil, false),
            ("POST", "same-site", nil, false), ("POST", nil, own, true), ("POST", nil, "https://evil.example", false),
            ("POST", nil, nil, true),
        ] as [(String, String?, String?, Bool)]
    )
    func cop(method: String, site: String?, origin: String?, isAccepted: Bool) throws {
        // Both absent is accepted there; here that is a setting.
        let policy = try OriginPolicy(origins: [Self.own], missingOrigin: .accepted)
        let request = try request(try #require(.init(method)), site: site, origin: origin)
        #expect((policy.refusal(of: request, carriesSession: true) == nil) == isAccepted)
    }

    @Test("remix cop 9, 10: trusted origins pass, exactly; with a slash or a path they are refused at the start")
    func copTrusted() throws {
        let policy = try OriginPolicy(origins: [Self.own, "https://partner.example"])
        let partner = try request(site: "cross-site", origin: "https://partner.example")
        #expect(policy.refusal(of: partner, carriesSession: true) == nil)
        for origin in ["https://partner.example/", "https://partner.example/a", "partner.example", "null", "*", ""] {
            #expect(throws: SessionConfigurationError.self, "\(origin)") {
                try OriginPolicy(origins: [Self.own, origin])
            }
        }
    }
}

private final class EventTexts: Sendable {
    private let log = Mutex<[String]>([])
    var texts: [String] { log.withLock { $0 } }
    func append(_ text: String) { log.withLock { $0.append(text) } }
}
