#if Redis
import Sessions
import Testing

@testable import SessionsRedis

@Suite("Settings of the Redis store")
struct SettingsTests {
    private func configuration(_ url: String) throws -> RedisClient.Configuration { try .init(url: url) }

    @Test("a URL says which servers, who asks, which database, and whether over TLS")
    func urls() throws {
        #expect(try configuration("redis://db").topology == .standalone(.host("db", port: 6379)))
        #expect(try configuration("valkey://db:7000/3").database == 3)
        #expect(try configuration("redis://db").tls == nil)
        #expect(try configuration("rediss://db").tls != nil)
        #expect(try configuration("redis://[::1]:7000").topology == .standalone(.host("::1", port: 7000)))
        #expect(try configuration("redis://[::1]").topology == .standalone(.host("::1", port: 6379)))
        let credentials = try #require(try configuration("redis://a%40b:p%3A%2F@db/0").credentials)
        #expect(credentials.username == "a@b" && credentials.password == "p:/")
        #expect(try configuration("redis://:pa:ss@db").credentials?.password == "pa:ss")
        #expect(try configuration("redis://:pass@db").credentials?.username == nil)
        let unix = try configuration("redis+unix:///run/redis/redis.sock?db=2")
        #expect(unix.topology == .standalone(.socket(path: "/run/redis/redis.sock")) && unix.database == 2)
        let sentinel = try configuration("rediss+sentinel://:pw@a,b:1/shop/4")
        #expect(
            sentinel.topology == .sentinel([.host("a", port: 26_379), .host("b", port: 1)], primary: "shop")
        )
        #expect(sentinel.database == 4 && sentinel.tls != nil && sentinel.credentials?.password == "pw")
        #expect(
            try configuration("redis+cluster://a,b:1").topology
                == .cluster([.host("a", port: 6379), .host("b", port: 1)])
        )
    }

    @Test(
        "what is no URL of a server is refused, and nothing of it is repeated (CF-01)",
        arguments: [
            "db", "http://hunter2@db", "redis://", "redis://hunter2@db", "redis://u:@db", "redis://:hunter2@db/x",
            "redis://:hunter2@db:port", "redis://:hunter2@db:0", "redis://:hunter2@db:70000", "redis://:hunter2@a,b",
            "redis://:hunter2@db/0/1", "redis://:hunter2@db/-1", "redis://:hunter2@db?user=1", "redis://:hunter%zz@db",
            "redis://:hunter2@db#0", "redis+sentinel://:hunter2@db", "redis+cluster://:hunter2@db/1",
            "redis+unix://:hunter2@host/path", "redis+unix://", "redis://:hunter2@db/+1",
        ]
    )
    func refusedURLs(_ url: String) {
        do {
            _ = try configuration(url)
            Issue.record("\(url) is taken")
        } catch let error as SessionConfigurationError {
            #expect(error.code == .store)
            #expect(!"\(error)".contains("hunter"))
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("credentials are not printed (I9)")
    func credentials() throws {
        let configuration = try configuration("redis://user:hunter2@db")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("hunter2"))
        }
    }

    @Test("a configuration of a client that makes no sense is refused")
    func clients() {
        let changes: [(inout RedisClient.Configuration) -> Void] = [
            { $0.connectionCount = 0 }, { $0.connectionCount = 65 }, { $0.callDeadline = .zero },
            { $0.connectDeadline = .seconds(7200) }, { $0.inFlightLimit = 0 }, { $0.inFlightByteLimit = 1 },
            { $0.minimumBackoff = .zero }, { $0.maximumBackoff = .milliseconds(1) }, { $0.database = -1 },
            { $0.topology = .cluster([]) }, { $0.topology = .sentinel([.host("a", port: 1)], primary: "") },
            { $0.topology = .standalone(.host("", port: 1)) }, { $0.topology = .standalone(.host("a", port: 0)) },
            { $0.topology = .standalone(.socket(path: "")) },
            {
                $0.topology = .cluster([.host("a", port: 1)])
                $0.database = 1
            },
            {
                $0.topology = .standalone(.socket(path: "/a"))
                $0.tls = RedisTLS()
            },
            { $0.tls = RedisTLS(trustRootsPath: "/nowhere/at/all") },
            { $0.tls = RedisTLS(certificatePath: "/nowhere/at/all") },
        ]
        for (index, change) in changes.enumerated() {
            var configuration = RedisClient.Configuration(.standalone(.host("localhost", port: 6379)))
            change(&configuration)
            #expect(throws: SessionConfigurationError(.store, ""), "number \(index)") {
                _ = try RedisClient(configuration)
            }
        }
    }

    /// A client of an application's own, with nothing behind it.
    struct Plain: RedisCommandClient {
        func send(_ command: RedisCommand) async throws -> RedisValue { .null }
    }

    @Test("a configuration of a store that makes no sense is refused (ST-05)")
    func stores() throws {
        let changes: [(inout RedisSessionStore.Configuration) -> Void] = [
            { $0.keyPrefix = "" }, { $0.keyPrefix = "{a}" }, { $0.keyPrefix = "a*" }, { $0.keyPrefix = "é" },
            { $0.keyPrefix = String(repeating: "a", count: 65) }, { $0.skewAllowance = .seconds(-1) },
            { $0.skewAllowance = .seconds(86_401) }, { $0.confirmation = .replicas(0, within: .seconds(1)) },
            { $0.confirmation = .replicas(1, within: .zero) }, { $0.confirmation = .replicas(1, within: .seconds(4)) },
        ]
        let client = try RedisClient(url: "redis://localhost")
        for (index, change) in changes.enumerated() {
            var configuration = RedisSessionStore.Configuration()
            change(&configuration)
            #expect(throws: SessionConfigurationError(.store, ""), "number \(index)") {
                _ = try RedisSessionStore(client: client, configuration: configuration)
            }
        }
        var configuration = RedisSessionStore.Configuration()
        _ = try RedisSessionStore(client: Plain(), configuration: configuration)
        configuration.confirmation = .replicas(1, within: .seconds(1))
        _ = try RedisSessionStore(client: client, configuration: configuration)
        #expect(throws: SessionConfigurationError(.store, "")) {
            _ = try RedisSessionStore(client: Plain(), configuration: configuration)
        }
    }

    @Test("a key's slot is that of the cluster's own rule")
    func slots() {
        // The standard's check value, and keys of the cluster's documentation.
        #expect(HashSlot.slot(of: Array("123456789".utf8)) == 0x31C3)
        #expect(HashSlot.slot(of: Array("foo".utf8)) == 12182)
        #expect(HashSlot.slot(of: Array("foo{bar}zap".utf8)) == HashSlot.slot(of: Array("bar".utf8)))
        #expect(HashSlot.slot(of: Array("foo{{bar}}zap".utf8)) == HashSlot.slot(of: Array("{bar".utf8)))
        #expect(HashSlot.slot(of: Array("foo{bar}{zap}".utf8)) == HashSlot.slot(of: Array("bar".utf8)))
        #expect(HashSlot.slot(of: Array("foo{}bar".utf8)) != HashSlot.slot(of: Array("".utf8)))
        #expect(HashSlot.slot(of: []) == 0)
    }

    @Test("a cluster's map is read, and one that is none is not")
    func maps() {
        func node(_ host: String, _ port: Int64) -> RedisValue { .array([.text(host), .integer(port), .text("id")]) }
        let here = RedisAddress.host("here", port: 1)
        let answer = RedisValue.array([
            .array([.integer(0), .integer(8000), node("a", 1), node("b", 2)]),
            .array([.integer(8001), .integer(16_383), .array([.null, .integer(3)])]),
        ])
        #expect(
            ClusterRange.all(in: answer, askedOf: here) == [
                ClusterRange(slots: 0...8000, primary: .host("a", port: 1), replicas: [.host("b", port: 2)]),
                ClusterRange(slots: 8001...16_383, primary: .host("here", port: 3), replicas: []),
            ]
        )
        for wrong: RedisValue in [
            .null, .array([]), .array([.integer(1)]), .array([.array([.integer(5), .integer(4), node("a", 1)])]),
            .array([.array([.integer(0), .integer(16_384), node("a", 1)])]),
            .array([.array([.integer(0), .integer(1), node("a", 0)])]),
        ] { #expect(ClusterRange.all(in: wrong, askedOf: here) == nil) }
    }

    @Test("every refusal has a name, and tells an operator what to do; none repeats the server's text (LG-01)")
    func refusals() {
        let codes: [(String, SessionStoreError.Code)] = [
            ("NOAUTH x", .notPermitted), ("WRONGPASS x", .notPermitted), ("NOPERM x", .notPermitted), ("OOM x", .full),
            ("MISCONF x", .unavailable), ("NOREPLICAS x", .unavailable), ("READONLY x", .unavailable),
            ("LOADING x", .unavailable), ("CLUSTERDOWN x", .unavailable), ("TRYAGAIN x", .unavailable),
            ("MASTERDOWN x", .unavailable), ("BUSY x", .locked), ("WRONGTYPE x", .unusable), ("CROSSSLOT x", .unusable),
            ("MOVED 1 a:1", .unusable), ("ASK 1 a:1", .unusable), ("ERR max number of clients reached", .unavailable),
            ("ERR unknown command 'x'", .unusable), ("ERR secret-payload", .unavailable),
            ("ERR Error running script (call to f_1): @user_script:5: -OOM command not allowed", .full),
            ("ERR Error running script (call to f_1): @user_script:5: -READONLY x", .unavailable),
        ]
        for (text, code) in codes {
            let error = RedisRefusal(RedisServerError(text + " secret-payload")).error(at: .host("h", port: 1))
            #expect(error.code == code, "\(text)")
            #expect(!"\(error)".contains("secret-payload") && error.message.count > 30, "\(error)")
        }
        #expect(RedisRefusal(RedisServerError("MOVED 3999 :6381")) == .moved(slot: 3999, .host("", port: 6381)))
        #expect(RedisRefusal(RedisServerError("ASK 3999 fe80::1:6381")) == .ask(.host("fe80::1", port: 6381)))
        #expect(RedisRefusal(RedisServerError("MOVED x y")) == .other("MOVED"))
    }

    @Test("pauses grow to a limit, and are random")
    func backoff() {
        let backoff = Backoff(minimum: .milliseconds(20), maximum: .seconds(1))
        for failures in 1...100 {
            let longest = min(Duration.milliseconds(20) * Double(1 << min(failures - 1, 20)), .seconds(1))
            let pauses = (0..<50).map { _ in backoff.pause(after: failures) }
            #expect(pauses.allSatisfy { $0 >= longest / 2 && $0 <= longest })
            #expect(Set(pauses).count > 1)
        }
    }

    @Test("a record is read as it was written, and a changed one is no record")
    func records() throws {
        let record = StoredRecord.sample("payload\n\u{0}", owner: "shop:ada\n \u{0}é")
        let text = try RecordText.encode(record)
        #expect(RecordText.decode(text) == record)
        #expect(String(decoding: text.prefix(3), as: UTF8.self) == "s1 ")
        for index in 0..<60 {
            var bytes = text
            bytes[index] = UInt8(ascii: "!")
            #expect(RecordText.decode(bytes) == nil || index >= RecordText.ownerStart, "byte \(index)")
        }
        for count in 0..<text.count - record.payload.count {
            #expect(RecordText.decode(Array(text.prefix(count))) == nil)
        }
        #expect(throws: SessionStoreError(.unusable, "")) {
            try RecordText.encode(.sample(owner: String(repeating: "x", count: 0x10000)))
        }
    }
}

extension RedisTLS {
    fileprivate init(trustRootsPath: String? = nil, certificatePath: String? = nil) {
        self.init()
        self.trustRootsPath = trustRootsPath
        self.certificatePath = certificatePath
    }
}
#endif
