#if Redis
import Foundation
import Sessions
import SessionsRedis
import SessionsTesting
import TestServers
import Testing

extension RedisStoreTests {
    @Suite("When the server or the network fails", .serialized)
    struct FaultTests {
        /// A server, a proxy in front of it, and a store that goes through the proxy on one connection.
        struct Line {
            let server: RedisServer
            let proxy: FaultProxy
            let client: RedisClient
            let store: RedisSessionStore
            /// On the same keys past the proxy, with time: for what is to work where the other's deadlines are short.
            let patient: RedisSessionStore

            init(
                _ arguments: [String] = [],
                _ configure: (inout RedisClient.Configuration) -> Void = { _ in }
            ) async throws {
                server = try await RedisServer(arguments)
                proxy = try FaultProxy(to: server.port)
                client = try server.client { [proxy] in
                    $0.topology = .standalone(.host("127.0.0.1", port: proxy.port))
                    $0.connectionCount = 1
                    configure(&$0)
                }
                store = try RedisSessionStore(client: client)
                patient = try RedisSessionStore(client: server.client())
            }

            /// Keeps a record, and returns once the store's connection is there.
            func insert(_ record: StoredRecord, at key: StoreKey) async throws {
                _ = try await patient.insert(record, at: key)
                _ = try await answered { try await store.load(key) }
            }

            /// How often the server has carried out a command.
            func calls(_ command: String) async throws -> Int {
                let text = try await server.cli("INFO", "commandstats")
                let line = text.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_\(command):calls=") }
                return line.flatMap { Int($0.split(separator: "=")[1].prefix { $0.isNumber }) } ?? 0
            }
        }

        @Test("a write whose reply was lost throws, is carried out once, and is never sent again")
        func lostReply() async throws {
            let line = try await Line()
            let (store, key) = (line.store, StoreKey.random())
            var record = StoredRecord.sample("0")
            _ = try await store.insert(record, at: key)
            for number in 1...20 {
                let next = StoredRecord.sample("\(number)")
                line.proxy.next(.loseReply, to: "EVAL")
                let before = try await line.calls("evalsha") + line.calls("eval")
                let error = try await storeError {
                    try await store.replace(next, at: key, ifVersion: record.version)
                }
                #expect(error?.code == .unavailable)
                // It tells whether it was carried out, and a load tells that it was.
                let found = try #require(try await store.load(key))
                let after = try await line.calls("evalsha") + line.calls("eval")
                #expect(after == before + 1)
                // The very first one names a script that the server does not have.
                if number > 1 { #expect(found == next) }
                record = found
                if number == 1 {
                    _ = try await store.replace(next, at: key, ifVersion: record.version)
                    record = next
                }
            }
            line.proxy.next(.loseReply, to: "DEL")
            #expect(try await storeError { try await store.delete(key, ifVersion: nil) } != nil)
            #expect(try await store.load(key) == nil)
            #expect(try await line.calls("del") == 1)
            let other = StoreKey.random()
            line.proxy.next(.loseReply, to: "SET")
            #expect(try await storeError { try await store.insert(record, at: other) } != nil)
            #expect(try await store.load(other) == record)
        }

        @Test("I1: with every third reply lost, the manager loses no change and makes none twice")
        func lostReplies() async throws {
            let line = try await Line()
            let sessions = try SessionManager(store: line.store, keys: KeyRing([SessionSecret.generate()]))
            let browser = SessionBrowser()
            try await browser.visit(sessions) { $0.set(.number, to: 0) }
            for number in 1...30 {
                if number.isMultiple(of: 3) { line.proxy.next(.loseReply, to: "EVALSHA") }
                try await browser.visit(sessions) { $0.update(.number) { $0 += 1 } }
            }
            #expect(try await browser.visit(sessions) { $0[.number] } == 30)
            #expect(line.proxy.faultCount == 10)
        }

        @Test("a reply cut in the middle is no reply, and the next call has a connection of its own")
        func cutReply() async throws {
            let line = try await Line()
            let key = StoreKey.random()
            let record = StoredRecord.sample(String(repeating: "x", count: 200_000))
            _ = try await line.store.insert(record, at: key)
            for count in [1, 5, 60, 5_000] {
                line.proxy.next(.cutReply(after: count), to: "GET")
                #expect(try await storeError { try await line.store.load(key) }?.code == .unavailable)
                #expect(try await line.store.load(key) == record)
            }
        }

        @Test("a request that never arrived is an error, and nothing has happened")
        func lostRequest() async throws {
            let line = try await Line()
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            _ = try await line.store.insert(record, at: key)
            line.proxy.next(.loseRequest, to: "DEL")
            #expect(try await storeError { try await line.store.delete(key, ifVersion: nil) } != nil)
            #expect(try await line.store.load(key) == record)
        }

        @Test("calls on a connection that is cut fail together, and each hears only its own answer afterwards")
        func cutUnderLoad() async throws {
            let line = try await Line()
            let store = line.store
            let keys = (0..<50).map { _ in StoreKey.random() }
            for (number, key) in keys.enumerated() { _ = try await store.insert(.sample("\(number)"), at: key) }
            let (right, wrong) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for (number, key) in keys.enumerated() {
                    group.addTask {
                        var (right, wrong) = (0, 0)
                        for _ in 0..<200 {
                            do {
                                let isRight = try await store.load(key)?.payload == Array("\(number)".utf8)
                                if isRight { right += 1 } else { wrong += 1 }
                            } catch is SessionStoreError {}
                        }
                        return (right, wrong)
                    }
                }
                for _ in 0..<20 {
                    line.proxy.cut()
                    await Task.yield()
                    _ = try? await store.load(keys[0])
                }
                return try await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
            }
            #expect(wrong == 0 && right > 1000, "\(right) right, \(wrong) wrong")
        }

        @Test("ST-10: a server that answers nothing costs a bounded wait, and answers again when it goes on")
        func paused() async throws {
            let line = try await Line {
                $0.callDeadline = .milliseconds(400)
                $0.connectDeadline = .milliseconds(200)
            }
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            try await line.insert(record, at: key)
            line.server.pause()
            var codes: [SessionStoreError.Code?] = []
            for _ in 0..<4 { codes.append(try await storeError { try await line.store.load(key) }?.code) }
            #expect(codes[0] == .timedOut && codes.allSatisfy { $0 == .timedOut || $0 == .unavailable })
            line.server.resume()
            let began = ContinuousClock.now
            let found = try await answered { try await line.store.load(key) }
            print("Redis paused and resumed: answered again after \(ContinuousClock.now - began)")
            #expect(found == record)
        }

        @Test("ST-10: replies that never come keep nobody beyond the deadline, and no reply goes to the wrong call")
        func droppedReplies() async throws {
            let line = try await Line { $0.callDeadline = .milliseconds(300) }
            let key = StoreKey.random()
            try await line.insert(.sample("one"), at: key)
            line.proxy.dropReplies()
            #expect(try await storeError { try await line.store.load(key) }?.code == .timedOut)
            line.proxy.dropReplies(false)
            #expect(try await answered { try await line.store.load(.random()) } == nil)
            #expect(try await answered { try await line.store.load(key) }?.payload == Array("one".utf8))
        }

        @Test("a reply that comes after its call gave up is nobody else's answer")
        func lateReply() async throws {
            // Time enough for the reply to come to the proxy: nothing is left to hold once the call has given up.
            let line = try await Line { $0.callDeadline = .seconds(10) }
            let key = StoreKey.random()
            try await line.insert(.sample("one"), at: key)
            line.proxy.next(.holdReply, to: "GET")
            #expect(try await storeError { try await line.store.load(key) }?.code == .timedOut)
            try await waitUntil("the reply is held") { line.proxy.isHolding }
            line.proxy.release()
            for _ in 0..<20 { #expect(try await answered { try await line.store.load(.random()) } == nil) }
        }

        @Test("what a server has refused is told by name, also where time ends while a connection is being made")
        func refusedBefore() async throws {
            // Time enough for the first refusal, and for the next connection.
            let line = try await Line { $0.callDeadline = .seconds(10) }
            try await line.insert(.sample(), at: .random())
            let nowhere = try ServerEnvironment.freePort()
            try await line.server.cli("REPLICAOF", "127.0.0.1", "\(nowhere)")
            try await line.server.wait(for: "ROLE") { $0.hasPrefix("slave") }
            // The write is refused; the next connection is never greeted.
            line.proxy.next(.holdReply, to: "HELLO")
            let error = try await storeError { try await line.store.insert(.sample(), at: .random()) }
            #expect(error?.message.contains("READONLY") == true)
            #expect(line.proxy.faultCount == 1)
            line.proxy.release()
        }

        @Test("ST-10: what is under way is bounded in number and in bytes; the next call fails at once")
        func inFlight() async throws {
            let line = try await Line {
                $0.inFlightLimit = 10
                $0.inFlightByteLimit = 4 << 20
            }
            let store = line.store
            _ = try await store.load(.random())
            line.server.pause()
            let refused = try await withThrowingTaskGroup(of: SessionStoreError?.self) { group in
                for _ in 0..<25 { group.addTask { try await storeError { try await store.load(.random()) } } }
                var refused: [SessionStoreError?] = []
                while refused.count < 15, let error = try await group.next() { refused.append(error) }
                line.server.resume()
                for try await error in group { #expect(error == nil) }
                return refused
            }
            #expect(refused.allSatisfy { $0?.message.contains("inFlightLimit") == true })
            line.server.pause()
            let large = StoredRecord.sample(String(repeating: "x", count: 1_000_000))
            let failures = try await withThrowingTaskGroup(of: SessionStoreError?.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await storeError { try await store.insert(large, at: .random()) } }
                }
                var failures: [SessionStoreError?] = []
                while failures.count < 2, let error = try await group.next() { failures.append(error) }
                line.server.resume()
                for try await error in group { #expect(error == nil) }
                return failures
            }
            #expect(failures.allSatisfy { $0?.code == .unavailable })
        }

        @Test("a server that is killed and started again: errors meanwhile, the old sessions after, no restart here")
        func restarted() async throws {
            let line = try await Line(["--appendonly", "yes", "--appendfsync", "always"]) {
                $0.callDeadline = .milliseconds(300)
                $0.connectDeadline = .milliseconds(300)
            }
            let keys = try KeyRing([SessionSecret.generate()])
            let sessions = try SessionManager(store: line.store, keys: keys)
            let browser = SessionBrowser()
            try await browser.visit(SessionManager(store: line.patient, keys: keys)) { $0.logIn("ada") }
            let cookies = browser.cookies
            // It has a connection to lose.
            _ = try await answered { try await line.store.load(.random()) }
            await line.server.crash()
            for body: @Sendable (Session) -> Void in [
                { _ = $0[.number] }, { $0.set(.number, to: 8) }, { $0.logIn("bob") }, { $0.logOut() },
            ] {
                let (known, stranger) = (browser, SessionBrowser())
                let error = await #expect(throws: SessionError.self) { try await known.visit(sessions, body) }
                #expect(error?.code.httpStatus == 503)
                #expect(browser.cookies == cookies)
                // Without a cookie there is nothing to load, and whoever keeps nothing needs no store.
                _ = try? await stranger.visit(sessions, body)
                #expect(stranger.cookies.isEmpty)
                #expect(try await storeError { try await line.store.load(.random()) } != nil)
            }
            // It has been away for longer than a call may take: nobody waits for it any more.
            let began = ContinuousClock.now
            for _ in 0..<200 { _ = try await storeError { try await line.store.load(.random()) } }
            let failing = ContinuousClock.now - began
            try await line.server.restart()
            let back = ContinuousClock.now
            while try await storeError({ try await line.store.load(.random()) }) != nil {
                try await Task.sleep(for: .milliseconds(5))
            }
            print(
                "Redis killed and started again: 200 calls failed in \(failing); answered \(ContinuousClock.now - back) after it listened"
            )
            try await waitUntil("the session is reached again") {
                (try? await browser.visit(sessions) { $0.owner }) == "ada"
            }
            #expect(browser.cookies == cookies)
        }

        @Test("a server that one connection has reached is back for the others too: no call fails any more")
        func backForAll() async throws {
            let line = try await Line {
                $0.connectionCount = 4
                // Whoever waits for its own next attempt waits for half a minute at least: longer than a call may take.
                ($0.minimumBackoff, $0.maximumBackoff) = (.seconds(60), .seconds(60))
                $0.callDeadline = .seconds(20)
            }
            await line.server.crash()
            for _ in 0..<8 { #expect(try await storeError { try await line.store.load(.random()) } != nil) }
            try await line.server.restart()
            // The connection for writes that replicas confirm has not failed, and so it is in no pause.
            let confirmed = try RedisSessionStore(
                client: line.client,
                configuration: .fresh { $0.confirmation = .replicas(1, within: .milliseconds(50)) }
            )
            let error = try await storeError { try await confirmed.insert(.sample(), at: .random()) }
            #expect(error?.message.contains("0 of 1 replicas") == true)
            for _ in 0..<20 { #expect(try await line.store.load(.random()) == nil) }
        }

        @Test("I1 I2 killed again and again while 50 clients write: what was answered is there, and all recover")
        func killedUnderLoad() async throws {
            let server = try await RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
            let client = try server.client {
                $0.callDeadline = .seconds(1)
                $0.connectDeadline = .seconds(1)
            }
            let load = Workload(try RedisSessionStore(client: client, configuration: .fresh()))
            let result = try await load.run {
                for round in 0..<3 {
                    load.mark()
                    try await load.everybodyWrote(5)
                    await server.crash()
                    try await server.restart()
                    load.mark()
                    try await load.everybodyWrote(5)
                    print(
                        "Redis killed, round \(round): all 50 clients wrote again \(load.recovery ?? .zero) after it listened"
                    )
                }
            }
            print("Redis killed under load: \(result)")
            #expect(result.lost == 0 && result.revived == 0 && result.answered > 500)
        }

        @Test("a server that comes back within the deadline costs a wait and no error")
        func briefOutage() async throws {
            let line = try await Line(["--appendonly", "yes", "--appendfsync", "always"])
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            _ = try await line.store.insert(record, at: key)
            await line.server.crash()
            // Without a connection: what is sent on one whose end has not been noticed is lost, and says so.
            let waiting = try RedisSessionStore(client: line.server.client())
            async let load = waiting.load(key)
            try await line.server.restart()
            #expect(try await load == record)
            #expect(try await answered { try await line.store.load(key) } == record)
        }

        @Test("a client that is closed says so")
        func closed() async throws {
            let server = try await Servers.standalone.server
            let store = try RedisSessionStore(url: "redis://127.0.0.1:\(server.port)")
            #expect(try await answered { try await store.load(.random()) } == nil)
            store.close()
            #expect(try await storeError { try await store.load(.random()) }?.code == .unavailable)
        }

        @Test("a socket, another database, and a server that speaks the old protocol alone")
        func ways() async throws {
            let server = try await RedisServer(
                program: "redis-server",
                arguments: ["--requirepass", "p%w"],
                port: nil,
                config: "rename-command HELLO \"\"\n"
            )
            let key = StoreKey.random()
            let record = StoredRecord.sample()
            let url = "redis+unix://:p%25w@\(server.socket)"
            func client(_ url: String) throws -> RedisClient {
                var configuration = try RedisClient.Configuration(url: url)
                (configuration.connectDeadline, configuration.callDeadline) = (.seconds(20), .seconds(30))
                return try RedisClient(configuration)
            }
            let zero = try RedisSessionStore(client: client(url))
            let three = try RedisSessionStore(client: client(url + "?db=3"))
            #expect(try await zero.insert(record, at: key))
            #expect(try await three.load(key) == nil)
            #expect(try await three.insert(record, at: key))
            #expect(try await three.replace(record, at: key, ifVersion: .random()) == .conflict(record))
            #expect(try await server.cli("-a", "p%w", "--no-auth-warning", "-n", "3", "DBSIZE") == "1")
            let missing = try RedisSessionStore(client: client(url + "?db=99"))
            #expect(try await storeError { try await missing.load(key) }?.code == .unusable)
            for check in SessionStoreConformance.checks(for: RedisSessionStore.self) {
                _ = try await check.run(rounds: 1) {
                    let store = try RedisSessionStore(client: client(url), configuration: .fresh())
                    return store
                }
            }
        }

        @Test("a wrong password, an unknown authority, a port without TLS: refused at once, and told apart")
        func refused() async throws {
            let secured = try await ConformanceTests.secured.server
            func code(_ change: (inout RedisClient.Configuration) -> Void) async throws -> SessionStoreError? {
                var configuration = try SecuredServer.configuration(secured.server, secured.certificates)
                change(&configuration)
                let store = try RedisSessionStore(client: RedisClient(configuration), configuration: .fresh())
                return try await storeError { try await store.load(.random()) }
            }
            #expect(try await code { _ in } == nil)
            #expect(try await code { $0.credentials?.password = "wrong" }?.code == .notPermitted)
            #expect(try await code { $0.credentials = nil }?.code == .notPermitted)
            #expect(try await code { $0.tls?.trustRootsPath = nil }?.code == .notPermitted)
            #expect(try await code { $0.topology = .standalone(secured.server.address) } == nil, "by its address")
            #expect(
                try await code {
                    $0.tls = nil
                    $0.callDeadline = .milliseconds(300)
                }?.code == .unavailable
            )
            let plain = try await Servers.standalone.server
            let unencrypted = try await code {
                $0.topology = .standalone(plain.address)
                $0.callDeadline = .milliseconds(300)
                $0.connectDeadline = .milliseconds(300)
            }
            #expect(unencrypted != nil)
            let named = try await SecuredServer(names: "DNS:localhost")
            func host(_ name: String?, _ verification: RedisTLS.Verification) async throws -> SessionStoreError? {
                var configuration = try SecuredServer.configuration(named.server, named.certificates)
                configuration.tls?.serverName = name
                configuration.tls?.verification = verification
                let store = try RedisSessionStore(client: RedisClient(configuration), configuration: .fresh())
                return try await storeError { try await store.load(.random()) }
            }
            #expect(try await host(nil, .full) == nil)
            #expect(try await host("other.example", .full)?.code == .notPermitted)
            #expect(try await host("other.example", .withoutHostname) == nil)
            // A user without the rights that the store needs.
            let prefix = try RedisSessionStore(client: secured.client)
            #expect(try await storeError { try await prefix.load(.random()) }?.code == .notPermitted)
        }
    }
}

extension SessionKey<Int> {
    fileprivate static var number: Self { Self("number", default: 0) }
}
#endif
