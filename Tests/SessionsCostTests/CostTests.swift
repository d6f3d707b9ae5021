import CostMeasuring
import TestServers
import Testing

/// What docs/benchmarks.md promises, counted at the wire.
@Suite("What a request costs", .serialized, .timeLimit(.minutes(3)))
struct CostTests {
    #if Redis
    @Test("Redis: each kind of request sends exactly the commands, in exactly the round trips, that the sheet says")
    func redis() async throws {
        let expected: [CostKind: (Int, [String])] = [
            .untouched: (0, []),
            .none: (0, []),
            .read: (1, ["GET"]),
            .touched: (2, ["GET", "EVALSHA"]),
            .begun: (1, ["SET"]),
            .set: (2, ["GET", "EVALSHA"]),
            .conflict: (3, ["GET", "EVALSHA", "EVALSHA"]),
            .saved: (3, ["GET", "EVALSHA", "EVALSHA"]),
            .consumed: (2, ["GET", "EVALSHA"]),
            .rotated: (2, ["GET", "EVALSHA"]),
            .restarted: (3, ["GET", "DEL", "SET"]),
            .loggedInNew: (3, ["EVALSHA", "SET", "GET"]),
            .loggedIn: (5, ["GET", "EVALSHA", "EVALSHA", "EVALSHA", "GET"]),
            .destroyed: (2, ["GET", "DEL"]),
            .loggedOut: (2, ["GET", "DEL"]),
        ]
        let redis = try await ServerCosts.redis()
        for kind in CostKind.allCases {
            guard let (trips, commands) = expected[kind] else { continue }
            // Twice: what is counted is no accident.
            for _ in 0..<2 {
                let cost = try #require(try await redis.cost(of: kind))
                #expect(cost.roundTrips == trips, "\(kind.rawValue): \(cost.commands)")
                #expect(cost.commands == commands, "\(kind.rawValue)")
                #expect((cost.sentBytes > 0) == (trips > 0))
                #expect((cost.receivedBytes > 0) == (trips > 0))
            }
        }
        // The records of the list are asked for at once, so how many round trips that makes is for chance to say.
        let listing = ["ZSCAN", "GET", "GET", "GET"]
        let listings: [(CostKind, [String])] = [
            (.listed, ["GET"] + listing),
            (.othersRevoked, ["GET", "GET", "EVALSHA"] + listing + ["EVALSHA", "EVALSHA"]),
            (.destroyedAll, ["EVALSHA"] + listing + ["EVALSHA", "EVALSHA", "EVALSHA"]),
        ]
        for (kind, commands) in listings {
            let cost = try #require(try await redis.cost(of: kind))
            #expect(cost.commands == commands, "\(kind.rawValue)")
            #expect((commands.count - 2...commands.count).contains(cost.roundTrips), "\(kind.rawValue)")
        }
    }
    #endif

    #if Postgres
    @Test(
        "PostgreSQL: each kind of request carries out exactly the statements, in exactly the round trips, of the sheet"
    )
    func postgres() async throws {
        let expected: [CostKind: [String]] = [
            .untouched: [],
            .none: [],
            .read: ["load"],
            .touched: ["load", "touch"],
            .begun: ["insert"],
            .set: ["load", "replace"],
            .conflict: ["load", "replace", "replace"],
            .saved: ["load", "replace", "replace"],
            .consumed: ["load", "replace"],
            .rotated: ["load", "replace"],
            .restarted: ["load", "delete", "insert"],
            .loggedInNew: ["insert", "epoch"],
            .loggedIn: ["load", "replace", "epoch"],
            .destroyed: ["load", "delete"],
            .loggedOut: ["load", "delete"],
            .listed: ["load", "entries_of_owner"],
            .othersRevoked: [
                "load", "epoch", "raise_epoch", "entries_of_owner", "delete_owned", "delete_owned",
            ],
            .destroyedAll: ["raise_epoch", "entries_of_owner", "delete_owned", "delete_owned", "delete_owned"],
        ]
        let postgres = try await ServerCosts.postgres()
        for kind in CostKind.allCases {
            let statements = try #require(expected[kind])
            for _ in 0..<2 {
                let cost = try #require(try await postgres.cost(of: kind))
                #expect(cost.roundTrips == statements.count, "\(kind.rawValue): \(cost.commands)")
                #expect(cost.commands == statements, "\(kind.rawValue)")
                #expect((cost.sentBytes > 0) == (cost.roundTrips > 0))
                #expect((cost.receivedBytes > 0) == (cost.roundTrips > 0))
            }
        }
    }
    #endif

    #if Mongo
    @Test("MongoDB: each kind of request sends exactly the commands, in exactly the round trips, that the sheet says")
    func mongo() async throws {
        let expected: [CostKind: [String]] = [
            .untouched: [],
            .none: [],
            .read: ["find"],
            .touched: ["find", "update"],
            .begun: ["insert"],
            .set: ["find", "findAndModify"],
            .conflict: ["find", "findAndModify", "findAndModify"],
            .saved: ["find", "findAndModify", "findAndModify"],
            .consumed: ["find", "findAndModify"],
            .rotated: ["find", "findAndModify"],
            .restarted: ["find", "delete", "insert"],
            .loggedInNew: ["insert", "find"],
            .loggedIn: ["find", "findAndModify", "find"],
            .destroyed: ["find", "delete"],
            .loggedOut: ["find", "delete"],
            .listed: ["find", "find", "find"],
            .othersRevoked: ["find", "find", "update", "find", "find", "delete", "delete"],
            .destroyedAll: ["update", "find", "find", "delete", "delete", "delete"],
        ]
        let mongo = try await ServerCosts.mongo()
        for kind in CostKind.allCases {
            let commands = try #require(expected[kind])
            for _ in 0..<2 {
                let cost = try #require(try await mongo.cost(of: kind))
                #expect(cost.roundTrips == commands.count, "\(kind.rawValue): \(cost.commands)")
                #expect(cost.commands == commands, "\(kind.rawValue)")
                #expect((cost.sentBytes > 0) == (cost.roundTrips > 0))
                #expect((cost.receivedBytes > 0) == (cost.roundTrips > 0))
            }
        }
    }
    #endif

    @Test("Sealed cookies: no store is asked, and a cookie is set by those kinds of request that the sheet says")
    func sealed() async throws {
        let costs = try SealedCosts()
        for kind in CostKind.allCases {
            let answer = try await costs.answer(to: kind)
            switch kind {
            case .consumed, .listed, .othersRevoked, .destroyedAll: #expect(answer == nil, "\(kind.rawValue)")
            default:
                let answer = try #require(answer, "\(kind.rawValue)")
                #expect(answer.roundTrips == 0, "\(kind.rawValue)")
                let brings = ![.none, .begun, .loggedInNew].contains(kind)
                #expect((answer.receivedBytes > 0) == brings, "\(kind.rawValue)")
                let isSet = ![.untouched, .none, .read, .destroyed, .loggedOut].contains(kind)
                #expect((answer.setBytes > 0) == isSet, "\(kind.rawValue)")
            }
        }
    }

    @Test("what was carried is counted as what it was: pieces, round trips, commands, statements")
    func capture() {
        let redis = WireCapture(links: [
            [
                .request(Array("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPI".utf8)), .request(Array("NG\r\n".utf8)),
                .reply(Array("$1\r\n".utf8)), .reply(Array("b\r\n".utf8)),
                .request(Array("*1\r\n$4\r\nROLE\r\n".utf8)), .reply([1, 2, 3]),
            ],
            [.request(Array("*1\r\n$4\r\nTIME\r\n".utf8))],
        ])
        #expect(redis.roundTrips == 3)
        #expect(redis.redisCommands == ["GET", "PING", "ROLE", "TIME"])
        #expect(redis.replyBytes == 10)
        #expect(redis.requestBytes == 20 + 14 + 14 + 14)
        let bind = [UInt8(ascii: "B"), 0, 0, 0, 11, 0] + Array("load".utf8) + [0, 0]
        let execute = [UInt8(ascii: "E"), 0, 0, 0, 9, 0, 0, 0, 0, 0]
        let query = [UInt8(ascii: "Q"), 0, 0, 0, 13] + Array("SELECT 1".utf8) + [0]
        let postgres = WireCapture(links: [[.request(bind + execute), .reply([0]), .request(query)]])
        #expect(postgres.postgresStatements == ["load", "SELECT 1"])
        #expect(postgres.roundTrips == 2)
        #expect(WireCapture(links: []).roundTrips == 0)
        let document = [14, 0, 0, 0, 0x10] + Array("ping".utf8) + [0, 1, 0, 0]
        let message = [
            16 + 5 + UInt8(document.count), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xDD, 0x07, 0, 0, 0, 0, 0, 0, 0,
        ]
        let mongo = WireCapture(links: [[.request(message + document + message + document)]])
        #expect(mongo.mongoCommands == ["ping", "ping"])
    }
}
