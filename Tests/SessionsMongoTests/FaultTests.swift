#if Mongo
import Foundation
import Sessions
import SessionsTesting
import Synchronization
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("Faults of one server")
    struct FaultTests {
        /// The server that is killed and paused. Each test leaves it running.
        private static let server = Task { try await MongoServer() }
        let server: MongoServer

        init() async throws { server = try await Self.server.value }

        func scratch(_ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }) -> Scratch {
            Scratch(server.url, configure)
        }

        // MARK: The connection

        @Test("I1 a replace whose reply was lost throws, is sent once, and the manager finds it done by its version")
        func lostReply() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let store = try await scratch().store(at: server.url(at: proxy.port))
            #expect(try await store.insert(.sample("first"), at: .numbered(1)))
            proxy.next(.loseReply, to: "findAndModify")
            let second = StoredRecord.sample("second", version: 2)
            let error = try await storeError {
                try await store.replace(second, at: .numbered(1), ifVersion: .first)
            }
            #expect(error?.code == .unavailable)
            #expect(proxy.faultCount == 1)
            #expect(try await store.load(.numbered(1)) == second)

            let sessions = try manager(store)
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.number, to: 1) }
            for (round, fault) in [FaultProxy.Fault.loseReply, .loseRequest, .cutReply(after: 3)].enumerated() {
                proxy.next(fault, to: "findAndModify")
                try await browser.visit(sessions) { session in session.update(.number) { $0 += 1 } }
                #expect(try await browser.visit(sessions) { $0[.number] } == round + 2)
            }
            #expect(proxy.faultCount == 4)
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
                guard isThere else { continue }
                proxy.next(fault, to: "delete")
                #expect(try await storeError { try await store.delete(.numbered(number), ifVersion: nil) } != nil)
                #expect(try await store.load(.numbered(number)) == nil)
            }
        }

        @Test("a load whose connection was cut is carried out on another one")
        func lostLoad() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let store = try await scratch().store(at: server.url(at: proxy.port))
            let record = StoredRecord.sample()
            #expect(try await store.insert(record, at: .numbered(1)))
            for fault in [FaultProxy.Fault.loseReply, .cutReply(after: 30)] {
                proxy.next(fault, to: "find")
                #expect(try await store.load(.numbered(1)) == record)
            }
            #expect(proxy.faultCount == 2)
        }

        @Test("ST-10 replies that are held up or dropped cost each call its deadline, and the store works afterwards")
        func heldReplies() async throws {
            let proxy = try FaultProxy(to: server.port)
            defer { proxy.stop() }
            let scratch = self.scratch { $0.connectionLimit = 2 }
            let store = try await scratch.hastyStore(.milliseconds(500), at: server.url(at: proxy.port))
            #expect(try await scratch.patientStore().insert(.sample(), at: .numbered(1)))
            proxy.hold()
            for _ in 0..<4 {
                let code = try await storeError { try await store.load(.numbered(1)) }?.code
                #expect(code == .timedOut || code == .unavailable)
            }
            proxy.release()
            try await waitUntil("the store works after it was held up") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            proxy.dropReplies()
            let code = try await storeError { try await store.load(.numbered(1)) }?.code
            #expect(code == .timedOut || code == .unavailable)
            proxy.dropReplies(false)
            proxy.cut()
            try await waitUntil("the store works after replies were dropped") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
        }

        @Test("an error of the server has a name, and repeats nothing that the server said")
        func codes() async throws {
            let store = try await scratch().store()
            let codes: [(Int, SessionStoreError.Code)] = [
                (13, .notPermitted), (18, .notPermitted), (50, .timedOut), (262, .timedOut), (14031, .full),
                (112, .locked), (66, .unusable), (8, .unavailable),
            ]
            let owner = OwnerKey("a:secret")
            let calls: [() async throws -> Void] = [
                { _ = try await store.load(.numbered(1)) },
                { _ = try await store.insert(.sample("secret", owner: "a:secret"), at: .numbered(1)) },
                { _ = try await store.replace(.sample("secret"), at: .numbered(1), ifVersion: .first) },
                { _ = try await store.touch(.numbered(1), until: .distantFuture, ifVersion: .first) },
                { _ = try await store.delete(.numbered(1), ifOwner: owner) },
            ]
            let commands = #""failCommands":["find","findAndModify","insert","update","delete"]"#
            for (number, code) in codes {
                try await server.fail(calls.count, #"\#(commands),"errorCode":\#(number)"#)
                for call in calls {
                    let error = try await storeError { try await call() }
                    #expect(error?.code == code, "\(number)")
                    #expect(error?.description.contains("error \(number))") == true, "\(number)")
                    #expect(error?.description.contains("secret") == false)
                    #expect(error?.description.contains("key-1") == false)
                }
            }
            try await server.failNothing()
            #expect(try await store.load(.numbered(1)) == nil)
        }

        @Test("a write that the server has done and nobody has confirmed is an error that says so")
        func unconfirmed() async throws {
            let store = try await scratch().store()
            let calls: [() async throws -> Void] = [
                { _ = try await store.insert(.sample(), at: .numbered(1)) },
                { _ = try await store.replace(.sample(version: 2), at: .numbered(1), ifVersion: .first) },
                { _ = try await store.touch(.numbered(1), until: .distantFuture, ifVersion: .init(rawValue: 2)) },
                { _ = try await store.delete(.numbered(1), ifVersion: nil) },
            ]
            let commands = #""failCommands":["insert","findAndModify","update","delete"]"#
            try await server.fail(calls.count, #"\#(commands),"writeConcernError":{"code":64,"errmsg":"of key-1"}"#)
            for (number, call) in calls.enumerated() {
                let error = try await storeError { try await call() }
                #expect(error?.code == .timedOut, "\(number)")
                #expect(error?.description.contains("not confirmed") == true, "\(number)")
                #expect(error?.description.contains("key-1") == false)
            }
            try await server.failNothing()
            #expect(try await store.load(.numbered(1)) == nil)
        }

        @Test("ST-10 a server that is slow is timedOut at the deadline")
        func slow() async throws {
            let store = try await scratch().hastyStore(.milliseconds(400))
            // Not only the first: libmongoc asks again where its socket has waited as long, and that may be a moment before
            // the call's deadline is looked at.
            try await server.fail(1_000, #""failCommands":["find"],"blockConnection":true,"blockTimeMS":6000"#)
            let error = try await storeError { try await store.load(.numbered(1)) }
            #expect(error?.code == .timedOut || error?.code == .unavailable)
            try await server.failNothing()
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
        }

        @Test("ST-10 the server is told when nobody waits any more, by every call")
        func serverDeadline() async throws {
            let (store, owner) = (try await scratch().patientStore(), OwnerKey("a:b"))
            #expect(try await store.insert(.sample(owner: owner.text), at: .numbered(1)))
            // Whatever has a deadline has missed it, and nothing else.
            try await server.command(#"{"configureFailPoint":"maxTimeAlwaysTimeOut","mode":"alwaysOn"}"#)
            let calls: [() async throws -> Void] = [
                { _ = try await store.load(.numbered(1)) },
                { _ = try await store.entries(of: owner) },
                { _ = try await store.entries(after: nil, limit: 10) },
                { _ = try await store.epoch(of: owner) },
                { _ = try await store.count() },
                { _ = try await store.insert(.sample(), at: .numbered(2)) },
                { _ = try await store.replace(.sample(version: 2), at: .numbered(1), ifVersion: .first) },
                { _ = try await store.touch(.numbered(1), until: .distantFuture, ifVersion: .first) },
                { _ = try await store.delete(.numbered(1), ifVersion: nil) },
            ]
            var codes: [SessionStoreError.Code?] = []
            for call in calls { codes.append(try await storeError { try await call() }?.code) }
            try await server.command(#"{"configureFailPoint":"maxTimeAlwaysTimeOut","mode":"off"}"#)
            #expect(codes == calls.map { _ in .timedOut })
            // What became of the writes is not promised: a server may look at the time only when it has done one.
            let record = StoredRecord.sample(owner: owner.text)
            #expect(try await store.insert(record, at: .numbered(3)))
            #expect(try await store.load(.numbered(3)) == record)
        }

        // MARK: The server

        @Test("with the server down a request is a 503 in bounded time, and the cookie works when it is back")
        func down() async throws {
            let scratch = self.scratch()
            let keys = try KeyRing([SessionSecret.generate()])
            let sessions = try manager(try await scratch.hastyStore(.milliseconds(500)), keys)
            let browser = SessionBrowser()
            let patient = try await scratch.patientStore()
            try await browser.visit(manager(patient, keys)) { $0.set(.number, to: 7) }
            try await patient.close()
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
            let code = try await storeError { try await scratch.store { $0.deadline = .milliseconds(500) } }?.code
            #expect(code == .unavailable || code == .timedOut)

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
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(try await scratch.hastyStore(.seconds(5)), keys), clients: 50)
            try await crowd.work(whileRunning: {
                for round in 0..<2 {
                    try await crowd.waitForCommits(150)
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
            let scratch = self.scratch { $0.connectDeadline = .seconds(5) }
            let keys = try KeyRing([SessionSecret.generate()])
            let crowd = Crowd(sessions: try manager(try await scratch.hastyStore(.seconds(1)), keys), clients: 50)
            try await crowd.work(whileRunning: {
                try await crowd.waitForCommits(100)
                try server.pause()
                // Every client has met the fault once they have failed as often as there are clients.
                try await crowd.waitForFailures(50)
                try server.resume()
                let began = ContinuousClock.now
                try await crowd.waitForCommits(100)
                report("paused: 100 commits \(ContinuousClock.now - began) after it was resumed")
            })
            #expect(try await crowd.violations(seenBy: manager(try await scratch.patientStore(), keys)) == [])
            report("paused: \(crowd.summary)")
        }

        @Test("a store whose server was restarted while it was idle works again by itself")
        func restartIdle() async throws {
            // With more, the load that works may be one's, and the replace meet another one whose loss nobody has noticed.
            let store = try await scratch { $0.connectionLimit = 1 }.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            try await server.stop()
            try await server.start()
            try await waitUntil("the store works again") {
                try await storeError { try await store.load(.numbered(1)) } == nil
            }
            #expect(
                try await store.replace(.sample(version: 2), at: .numbered(1), ifVersion: .first) == .replaced
            )
        }
    }
}
#endif
