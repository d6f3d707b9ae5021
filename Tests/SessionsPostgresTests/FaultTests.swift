#if Postgres
import Foundation
import HTTPTypes
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsPostgres

extension PostgresStoreTests {
    @Suite("Faults")
    struct FaultTests {
        let server: PostgresServer

        init() async throws { server = try await PostgresServer(settings: ["max_connections=200"]) }

        func scratch(_ configure: (inout PostgresSessionStore.Configuration) -> Void = { _ in }) -> Scratch {
            Scratch(server, configure)
        }

        // MARK: The connection

        @Test("I1 a replace whose reply was lost throws, is sent once, and the manager finds it done by its version")
        func lostReply() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let scratch = scratch { $0.connectionLimit = 1 }
            let store = try await scratch.store(at: server.url(at: proxy.port))
            #expect(try await store.insert(.sample("first"), at: .numbered(1)))
            proxy.next(.loseReply, to: "replace")
            let second = StoredRecord.sample("second", version: 2)
            let error = try await storeError {
                try await store.replace(second, at: .numbered(1), ifVersion: RecordVersion(rawValue: 1))
            }
            #expect(error?.code == .unavailable)
            #expect(proxy.faultCount == 1)
            #expect(try await store.load(.numbered(1)) == second)

            let sessions = try manager(store)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.number, to: 1) }
            for (round, fault) in [FaultProxy.Fault.loseReply, .loseRequest, .cutReply(after: 3)].enumerated() {
                proxy.next(fault, to: "replace")
                try await browser.visit(sessions) { session in session.update(.number) { $0 += 1 } }
                #expect(try await browser.visit(sessions) { $0[.number] } == round + 2)
            }
            #expect(proxy.faultCount == 4)
        }

        @Test("a reply without its end is none: the transaction commits after its statement was carried out")
        func halfReply() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let store = try await scratch { $0.connectionLimit = 1 }.store(at: server.url(at: proxy.port))
            #expect(try await store.insert(.sample("first"), at: .numbered(1)))
            // BindComplete, NoData and CommandComplete arrive; ReadyForQuery, the last six bytes, does not.
            proxy.next(.cutReply(after: 5 + 5 + 14), to: "delete")
            #expect(try await storeError { try await store.delete(.numbered(1), ifVersion: nil) }?.code == .unavailable)
            #expect(proxy.faultCount == 1)
            #expect(try await store.load(.numbered(1)) == nil)
        }

        @Test("an insert and a deletion whose replies were lost are told apart from those that never arrived")
        func lostInsert() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let store = try await scratch().store(at: server.url(at: proxy.port))
            for (number, fault) in [FaultProxy.Fault.loseReply, .loseRequest].enumerated() {
                proxy.next(fault, to: "insert")
                #expect(try await storeError { try await store.insert(.sample(), at: .numbered(number)) } != nil)
                let isThere = try await store.load(.numbered(number)) != nil
                #expect(isThere == (number == 0))
            }
        }

        @Test("a load whose connection was cut is carried out on another one, once")
        func lostLoad() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let store = try await scratch().store(at: server.url(at: proxy.port))
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            proxy.next(.loseReply, to: "load")
            #expect(try await store.load(.numbered(1)) == .sample())
            proxy.next(.cutReply(after: 10), to: "load", times: 2)
            #expect(try await storeError { try await store.load(.numbered(1)) }?.code == .unavailable)
            #expect(try await store.load(.numbered(1)) == .sample())
        }

        @Test("ST-10 a server whose replies are held up is timedOut, and what was given up is not answered twice")
        func heldReply() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let scratch = scratch { $0.connectionLimit = 2 }
            let store = try await scratch.hastyStore(.milliseconds(500), at: server.url(at: proxy.port))
            #expect(try await scratch.patientStore().insert(.sample(), at: .numbered(1)))
            proxy.hold()
            for _ in 0..<4 {
                #expect(try await storeError { try await store.load(.numbered(1)) }?.code == .timedOut)
            }
            proxy.release()
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
        }

        @Test("a network that drops every reply costs each call its deadline and no more")
        func droppedReplies() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let scratch = scratch()
            let store = try await scratch.hastyStore(.milliseconds(500), at: server.url(at: proxy.port))
            #expect(try await scratch.patientStore().insert(.sample(), at: .numbered(1)))
            proxy.dropReplies()
            #expect(try await storeError { try await store.load(.numbered(1)) }?.code == .timedOut)
            proxy.dropReplies(false)
            proxy.cut()
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
        }

        // MARK: The server

        @Test("with the server down a request is a 503 in bounded time, and the cookie works when it is back")
        func down() async throws {
            let store = try await scratch().store()
            let sessions = try manager(store)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.number, to: 7) }
            let cookies = browser.cookies
            try await server.stop()
            for body: @Sendable (Session) async throws -> Void in [
                { _ = $0[.number] }, { $0.set(.number, to: 8) }, { $0.destroy() },
            ] {
                let error = await #expect(throws: SessionError.self) { try await browser.visit(sessions, body) }
                #expect(error?.code.httpStatus == 503)
                #expect(browser.cookies == cookies)
            }
            // A login needs the store too, also without a cookie.
            let stranger = SessionBrowser()
            let error = await #expect(throws: SessionError.self) {
                try await stranger.visit(sessions) { $0.logIn("ada") }
            }
            #expect(error?.code.httpStatus == 503)
            #expect(stranger.cookies.isEmpty)
            let refusal = try await storeError { try await scratch().store() }
            #expect(refusal?.code == .unavailable)

            try await server.start()
            let began = ContinuousClock.now
            try await waitUntil("the session is reached again") {
                (try? await browser.visit(sessions) { $0[.number] }) == 7
            }
            report("stopped and started: recovered \(ContinuousClock.now - began) after it was back")
        }

        @Test("I1 I2 kill -9 while 50 clients work: what was answered is there, what was destroyed is not, all recover")
        func kill() async throws {
            let scratch = scratch { $0.connectDeadline = .seconds(5) }
            let store = try await scratch.hastyStore(.seconds(5))
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(store, keys), clients: 50)
            try await crowd.work(whileRunning: {
                for round in 0..<3 {
                    try await crowd.waitForCommits(300)
                    try await server.crash()
                    try await server.start()
                    let began = ContinuousClock.now
                    try await crowd.waitForEverybody()
                    report(
                        "killed, round \(round): all 50 clients again \(ContinuousClock.now - began) after it was back"
                    )
                }
            })
            // Another process would see the same.
            #expect(try await crowd.violations(seenBy: manager(try await scratch.patientStore(), keys)) == [])
            report("killed: \(crowd.summary)")
        }

        @Test("I1 I2 paused and resumed while 50 clients work")
        func pause() async throws {
            let scratch = scratch { $0.connectDeadline = .seconds(5) }
            let store = try await scratch.hastyStore(.seconds(1))
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(store, keys), clients: 50)
            try await crowd.work(whileRunning: {
                try await crowd.waitForCommits(200)
                try await server.pause()
                // Every client has met the fault once they have failed as often as there are clients.
                try await crowd.waitForFailures(50)
                try await server.resume()
                let began = ContinuousClock.now
                try await crowd.waitForCommits(100)
                report("paused: 100 commits \(ContinuousClock.now - began) after it was resumed")
            })
            #expect(try await crowd.violations(seenBy: manager(try await scratch.patientStore(), keys)) == [])
            report("paused: \(crowd.summary)")
        }

        @Test("an idle store notices a restart, and the next call finds a new connection")
        func restartIdle() async throws {
            let store = try await scratch().store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            var outcome: ReplaceOutcome?
            // Its thread notices while the server is down, unless it was held up for so long: then there is another restart.
            for _ in 0..<5 where outcome == nil {
                // A connection to lose, each time: without one the next call would open one and show nothing.
                #expect(try await store.load(.numbered(1)) == .sample())
                try await server.stop()
                try await server.start()
                outcome = try? await store.replace(
                    .sample(version: 2),
                    at: .numbered(1),
                    ifVersion: RecordVersion(rawValue: 1)
                )
            }
            #expect(outcome == .replaced)
        }

        @Test("an unlogged table is empty after a crash: everybody is logged out, nobody logged in again")
        func unlogged() async throws {
            let scratch = scratch { $0.confirmation = .unlogged }
            let store = try await scratch.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await store.insert(.sample(), at: .numbered(2)))
            #expect(try await store.delete(.numbered(2), ifVersion: nil))
            try await server.crash()
            try await server.start()
            try await waitUntil("the store works again") { try await storeError { try await store.count() } == nil }
            #expect(try await store.count() == 0)
        }
    }
}

/// Says what was measured: a test asserts no time.
func report(_ text: String) { print("PostgreSQL: \(text)") }
#endif
