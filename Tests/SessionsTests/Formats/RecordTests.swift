import Foundation
import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

/// What a record says, and what becomes of one that says something else.
@Suite("Records")
struct RecordTests {
    /// The names of the payload's members.
    private func members(_ fixture: SessionFixture) throws -> Set<String> {
        let object = try JSONSerialization.jsonObject(with: Data(fixture.payload().utf8))
        return Set(try #require(object as? [String: Any]).keys)
    }

    @Test("LG-05: a fresh record holds what the session needs, and nothing of the client")
    func members() async throws {
        let fixture = try SessionFixture()
        let marks = ["Mozilla/5.0 (mark)", "192.0.2.77", "de-mark", "https://mark.example/from", "mark-trace"]
        var request = fixture.browser.request(.post, "/mark/path?mark=query")
        request.headerFields[.userAgent] = marks[0]
        request.headerFields[try #require(HTTPField.Name("X-Forwarded-For"))] = marks[1]
        request.headerFields[.acceptLanguage] = marks[2]
        request.headerFields[.referer] = marks[3]
        request.headerFields[try #require(HTTPField.Name("Traceparent"))] = marks[4]
        let exchange = fixture.sessions.open(request)
        try await exchange.session.set(.visits, to: 1)
        var response = HTTPResponse(status: .ok)
        try await exchange.commit().apply(to: &response)
        fixture.browser.receive(response)
        #expect(try members(fixture) == ["v", "hash", "created", "rotated", "csrf", "values"])
        try await fixture.browser.visit(fixture.sessions) { $0.logIn("ada", keeping: .all) }
        #expect(try members(fixture) == ["v", "hash", "created", "rotated", "csrf", "values", "login", "recent"])
        try await fixture.browser.visit(fixture.sessions) { session in
            session.rotate(grace: .seconds(30))
            session.flash(.notice, "Saved")
            try session.setLifetime(.aal2)
        }
        let all = ["v", "hash", "created", "rotated", "csrf", "values", "login", "recent", "grace", "flash", "idle"]
        #expect(try members(fixture) == Set(all + ["absolute"]))
        // Beside the payload, a store keeps version, deadlines and owner; neither is about the client.
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        let told = "\(entry) \(fixture.payload())"
        for mark in marks + ["mark"] { #expect(!told.contains(mark)) }
        #expect(entry.record.owner == OwnerKey("app/__Host-Http-sid:ada"))
    }

    /// Payloads that this library never wrote.
    private static let foreign: [[UInt8]] = [
        [], [0], [0xFF, 0xFE], Array("bplist00\u{D4}\u{1}\u{2}$archiver".utf8), Array("rO0ABXNyABFqYXZh".utf8),
        Array("\u{4}\u{8}o:\u{B}Object".utf8), Array("a:1:{s:4:\"user\";i:1;}".utf8), Array("null".utf8),
        Array("[]".utf8), Array("{}".utf8), Array(repeating: UInt8(ascii: "["), count: 100_000),
        Array(repeating: UInt8(ascii: "{"), count: 100_000),
        Array((String(repeating: #"{"v":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)).utf8),
        Array(#"{"v":1e400}"#.utf8), Array((#"{"v":"# + String(repeating: "9", count: 100_000) + "}").utf8),
        Array(#"{"$class":"NSTask","v":1}"#.utf8), Array(#"{"v":"1"}"#.utf8), Array(#"{"v":1,"v":2}"#.utf8),
    ]

    @Test("ST-03: a payload of another kind is no session, stops nothing and stays as it is", arguments: foreign)
    func foreignPayloads(payload: [UInt8]) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        let entry = try #require(fixture.store.entries(after: nil, limit: 1).first)
        var record = entry.record
        record.payload = payload
        _ = try fixture.store.replace(record, at: entry.key, ifVersion: record.version)
        let response = try await fixture.respond { #expect($0.isNew) }
        #expect(response.setCookies.isEmpty)
        #expect(fixture.events.kinds.last == .suspicious(.unreadable))
        #expect(fixture.store.load(entry.key)?.payload == payload)
    }

    @Test(
        "ST-03, CR-08: what a record says twice, or says badly, is not half believed",
        arguments: [
            (#""values":{"visits":1}"#, #""values":{"visits":1,"visits":2}"#),
            (#""values":{"visits":1}"#, #""values":{"visits":1,"vis\u0069ts":2}"#),
            (#""values":{"visits":1}"#, #""values":[["visits",1]]"#),
            (#""values":{"visits":1}"#, #""values":{"visits":1},"recent":["x"]"#),
            (#""values":{"visits":1}"#, #""values":{"visits":1},"flash":[{"id":"5"}]"#),
            (#""values":{"visits":1}"#, #""values":{"visits":NaN}"#), (#""v":1"#, #""v":1.0"#),
            (#""csrf":""#, #""csrf":"+"#), (#""hash":""#, #""hash":"A"#),
            (#""rotated":"#, #""rotated":"soon","login":"#), (#""rotated":"#, #""rotated":1e400,"login":"#),
            (#""rotated":"#, #""login":null,"rotated":"#), (#""rotated":"#, #""login":1.5,"rotated":"#),
            (#""rotated":"#, #""idle":9223372036854775808,"absolute":1,"rotated":"#),
            (#""rotated":"#, #""idle":-1,"absolute":1,"rotated":"#),
            (#""rotated":"#, #""idle":1,"absolute":0,"rotated":"#),
            (#""rotated":"#, #""grace":{"until":"never"},"rotated":"#),
        ]
    )
    func contradictions(text: String, other: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { $0.set(.visits, to: 1) }
        try fixture.rewrite { $0.replacing(text, with: other) }
        #expect(try await fixture.browser.visit(fixture.sessions) { $0.isNew && $0[.visits] == 0 })
        #expect(fixture.events.kinds.last == .suspicious(.unreadable))
    }

    @Test(
        "ST-03: a value of another type, or beyond it, costs itself alone and is not written over",
        arguments: [
            #""one""#, "1.5", "9223372036854775808", "1e400", "-", "{}", "[1]", "null", "true",
            String(repeating: "9", count: 10_000),
            String(repeating: "[", count: 500) + String(repeating: "]", count: 500),
            #"{"$class":"NSTask","$objects":[]}"#,
        ]
    )
    func foreignValues(text: String) async throws {
        let fixture = try SessionFixture()
        try await fixture.browser.visit(fixture.sessions) { session in
            session.set(.visits, to: 1)
            session.set(.notice, to: "kept")
        }
        try fixture.rewrite { $0.replacing(#""visits":1"#, with: "\"visits\":\(text)") }
        try await fixture.browser.visit(fixture.sessions) { session in
            #expect(session[.visits] == 0)
            #expect(session[.notice] == "kept")
            session.set(.notice, to: "changed")
        }
        #expect(fixture.events.kinds.contains(.undecodable("visits")))
        #expect(fixture.payload().contains("\"visits\":\(text)"))
        #expect(try await fixture.browser.visit(fixture.sessions) { $0[.notice] } == "changed")
    }
}
