#if Mongo
import Foundation
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    /// connect-mongo's documents, and what its own tests ask for.
    @Suite("connect-mongo")
    struct ConnectMongoTests {
        static let encryption = Result { try ConnectMongoEncryption(secret: "sup3r-secr3t") }

        static func store(
            _ scratch: Scratch,
            touchAfter: Duration = .zero,
            stringify: Bool = true,
            timestamps: Bool = false,
            transformID: (@Sendable (String) -> String)? = nil,
            createsIndex: Bool = true,
            _ encryption: ConnectMongoEncryption? = nil
        ) async throws -> ConnectMongoStore {
            try await ConnectMongoStore(
                scratch.url,
                collectionName: scratch.configuration.collection,
                touchAfter: touchAfter,
                stringify: stringify,
                timestamps: timestamps,
                transformID: transformID,
                encryption: encryption,
                createsIndex: createsIndex,
                configuration: scratch.configuration
            )
        }

        static func record(_ json: String = #"{"cookie":{},"u":1}"#, seconds: Int = 3600) -> StoredRecord {
            StoredRecord(
                payload: Array(json.utf8),
                version: RecordVersion(of: Array(json.utf8)),
                idleDeadline: SystemSessionClock().now() + .seconds(seconds),
                absoluteDeadline: .distantFuture
            )
        }

        static func key(_ id: String = "id") throws -> StoreKey { try #require(StoreKey(foreignID: id)) }

        @Test("the contract, on one server", arguments: PayloadConditionalCheck.all)
        func standalone(_ check: PayloadConditionalCheck) async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            try await check.run(Self.store(scratch), Self.store(scratch))
        }

        @Test("the contract, on a replica set", arguments: PayloadConditionalCheck.all)
        func replicaSet(_ check: PayloadConditionalCheck) async throws {
            let scratch = try await Scratch.replicaSet()
            try await check.run(Self.store(scratch), Self.store(scratch))
        }

        @Test("the contract, encrypted", arguments: PayloadConditionalCheck.all)
        func encrypted(_ check: PayloadConditionalCheck) async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            let encryption = try Self.encryption.get()
            try await check.run(Self.store(scratch, encryption), Self.store(scratch, encryption))
        }

        @Test("the contract, with sessions as documents", arguments: PayloadConditionalCheck.all)
        func documents(_ check: PayloadConditionalCheck) async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            try await check.run(Self.store(scratch, stringify: false), Self.store(scratch, stringify: false))
        }

        @Test("a session is a document with its id, its JSON as text, and its end as a date")
        func document() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch)
            #expect(try await store.insert(Self.record(), at: Self.key("a/b")))
            let found = try await scratch.other(#"{"find": "@", "filter": {"_id": "a/b"}}"#)
            #expect(found.contains(#""session" : "{\"cookie\":{},\"u\":1}""#))
            #expect(found.contains(#""expires" : { "$date" : "#))
            #expect(!found.contains("lastModified"))
            let indexes = try await scratch.other(#"{"listIndexes": "@"}"#)
            #expect(indexes.contains(#""name" : "expires_1""#))
            #expect(indexes.contains("expireAfterSeconds"))
        }

        @Test("what Node wrote is read: with its end, without one for ever, and not when it has expired")
        func nodeWrote() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch)
            func write(_ id: String, _ expires: String) async throws {
                try await scratch.other(
                    #"{"update": "@", "updates": [{"q": {"_id": "\#(id)"}, "u": {"$set": {"session": "{\"cookie\":{}}"\#(expires)}}, "#
                        + #""upsert": true}]}"#
                )
            }
            let now = Int(Date().timeIntervalSince1970 * 1000)
            try await write("one", #", "expires": {"$date": {"$numberLong": "\#(now + 60_000)"}}"#)
            try await write("two", "")
            try await write("three", #", "expires": {"$date": {"$numberLong": "\#(now - 60_000)"}}"#)
            #expect(
                try await store.load(Self.key("one"))?.idleDeadline
                    == Timestamp(microseconds: Int64(now + 60_000) * 1000)
            )
            let endless = try #require(try await store.load(Self.key("two")))
            #expect(endless.idleDeadline > SystemSessionClock().now() + .seconds(50 * 365 * 86_400))
            #expect(try await store.load(Self.key("three")) == nil)
        }

        @Test("a session that is kept in the other way than stringify says is refused, and stays as it is")
        func otherway() async throws {
            let scratch = try await Scratch.standalone()
            try await scratch.other(
                #"{"insert": "@", "documents": [{"_id": "id", "session": {"cookie": {}}}, {"_id": "text", "session": "{}"}]}"#
            )
            for (id, stringify) in [("id", true), ("text", false)] {
                let store = try await Self.store(scratch, stringify: stringify)
                #expect(try await storeError { try await store.load(Self.key(id)) }?.code == .unusable)
                #expect(
                    try await storeError {
                        try await store.replace(Self.record(), at: Self.key(id), ifPayload: Array("{}".utf8))
                    }?.code == .unusable
                )
            }
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""session" : { "cookie" : {  } }"#))
        }

        @Test("stringify false: dates, ids and binaries of Node's stay what they are when another value changes")
        func subdocument() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, stringify: false)
            let (id, key) = ("507f1f77bcf86cd799439011", try Self.key())
            try await scratch.other(
                #"{"insert": "@", "documents": [{"_id": "id", "session": {"cookie": {"originalMaxAge": 60000, "#
                    + #""expires": {"$date": {"$numberLong": "1795229401744"}}, "httpOnly": true, "path": "/"}, "#
                    + #""user": {"$oid": "\#(id)"}, "seen": {"$date": {"$numberLong": "1795229401001"}}, "#
                    + #""raw": {"$binary": {"base64": "AAEC", "subType": "80"}}, "rate": 1.5, "n": 1, "none": null}}]}"#
            )
            let found = try #require(try await store.load(key))
            let text = String(decoding: found.payload, as: UTF8.self)
            #expect(text.contains(#""$oid" : "\#(id)""#))
            #expect(text.contains(#""expires":"2026-11-21T02:50:01.744Z","httpOnly":true"#))
            #expect(text.contains(#""seen": { "$date" : "2026-11-21T02:50:01.001Z" }"#))
            #expect(text.contains(#""rate":1.5,"n":1,"none":null}"#))
            let next = Self.record(text.replacingOccurrences(of: #""n":1,"#, with: #""n":2,"new":"x","#))
            #expect(try await store.replace(next, at: key, ifPayload: found.payload) == .replaced)
            let kept = try await scratch.other(#"{"find": "@", "filter": {"_id": "id"}}"#)
            #expect(kept.contains(#""$oid" : "\#(id)""#))
            #expect(kept.contains(#""expires" : { "$date" : { "$numberLong" : "1795229401744" } }"#))
            #expect(kept.contains(#""seen" : { "$date" : { "$numberLong" : "1795229401001" } }"#))
            #expect(kept.contains(#""base64" : "AAEC", "subType" : "80""#))
            #expect(kept.contains(#""n" : { "$numberInt" : "2" }, "new" : "x""#))
            // What was read before is not there any more.
            guard case .conflict = try await store.replace(next, at: key, ifPayload: found.payload) else {
                Issue.record("a session that had changed was replaced")
                return
            }
        }

        @Test("stringify false: the end of the cookie is a date, as Node writes it")
        func cookieDate() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, stringify: false)
            let json = #"{"cookie":{"expires":"2026-11-21T02:50:01.744Z","path":"/"},"when":"2026-11-21"}"#
            #expect(try await store.insert(Self.record(json), at: Self.key()))
            let kept = try await scratch.other(#"{"find": "@"}"#)
            #expect(kept.contains(#""expires" : { "$date" : { "$numberLong" : "1795229401744" } }, "path""#))
            #expect(kept.contains(#""when" : "2026-11-21""#))
        }

        @Test("stringify false: a whole number beyond 64 bits is the double that Node makes of it, and no other number")
        func largeNumbers() throws {
            let json =
                #"{"a":12345678901234567890123,"b":-9223372036854777857,"c":[18446744073709551615,{"d":9223372036854775807}],"#
                + #""e":"x\"12345678901234567890123","12345678901234567890123":1.5}"#
            let value = try ConnectMongoSession.document.value(Array(json.utf8))
            #expect(
                value
                    == .document([
                        "a": .double(1.2345678901234568e22), "b": .double(-9.223372036854777856e18),
                        "c": .array([
                            .double(1.8446744073709552e19), .document(["d": .int64(9_223_372_036_854_775_807)]),
                        ]),
                        "e": .string("x\"12345678901234567890123"), "12345678901234567890123": .double(1.5),
                    ])
            )
            let payload = try ConnectMongoSession.document.payload(of: value)
            #expect(try ConnectMongoSession.document.value(payload) == value)
            #expect(try ConnectMongoSession.document.holds(Array(json.utf8), value))
        }

        @Test("what is no object cannot be a document")
        func noObject() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, stringify: false)
            for json in ["[1]", "1", "{", "", "null"] {
                #expect(
                    try await storeError { try await store.insert(Self.record(json), at: Self.key()) }?.code
                        == .unusable,
                    Comment(rawValue: json)
                )
            }
            #expect(try await store.count() == 0)
        }

        @Test("timestamps: createdAt stays, updatedAt is there after a change and a touch")
        func timestamps() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, timestamps: true)
            let (record, key) = (Self.record(), try Self.key())
            #expect(try await store.insert(record, at: key))
            func forget() async throws {
                try await scratch.other(
                    #"{"update": "@", "updates": [{"q": {}, "u": {"$unset": {"updatedAt": 1}, "$set": {"createdAt": "then"}}}]}"#
                )
            }
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""createdAt" : { "$date""#))
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""updatedAt" : { "$date""#))
            try await forget()
            #expect(try await store.touch(key, until: record.idleDeadline + .seconds(9), ifPayload: record.payload))
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""updatedAt" : { "$date""#))
            try await forget()
            let next = Self.record(#"{"cookie":{},"u":2}"#)
            #expect(try await store.replace(next, at: key, ifPayload: record.payload) == .replaced)
            let kept = try await scratch.other(#"{"find": "@"}"#)
            #expect(kept.contains(#""updatedAt" : { "$date""#))
            #expect(kept.contains(#""createdAt" : "then""#))
        }

        @Test("transformId: the document is called what it makes of the id")
        func transform() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, transformID: { "shop-\($0)" })
            #expect(try await store.insert(Self.record(), at: Self.key("a")))
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""_id" : "shop-a""#))
            #expect(try await store.load(Self.key("a")) != nil)
            #expect(try await store.delete(Self.key("a")))
        }

        @Test("length, all and clear: each session once, and the index stays")
        func enumeration() async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            let store = try await Self.store(scratch)
            #expect(try await store.count() == 0)
            #expect(try await store.entries(after: nil, limit: 10).isEmpty)
            let ids = (0..<50).map { "id/\($0)" }
            for id in ids { #expect(try await store.insert(Self.record(), at: Self.key(id))) }
            #expect(try await store.count() == 50)
            var (found, last) = ([String](), StoreKey?.none)
            repeat {
                let page = try await store.entries(after: last, limit: 20)
                found += page.compactMap(\.key.foreignID)
                last = page.last?.key
            } while last != nil
            #expect(found.count == 50)
            #expect(Set(found) == Set(ids))
            try await store.removeAll()
            try await store.removeAll()
            #expect(try await store.count() == 0)
            #expect(try await scratch.other(#"{"listIndexes": "@"}"#).contains(#""name" : "expires_1""#))
        }

        @Test("length counts what has expired and is not collected, all leaves it out")
        func expired() async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            // With the index the server would collect it at any moment.
            let store = try await Self.store(scratch, createsIndex: false)
            for (id, seconds) in [("a", -60), ("b", 3600), ("c", -60)] {
                #expect(try await store.insert(Self.record(seconds: seconds), at: Self.key(id)))
            }
            // As Node keeps one without an end.
            try await scratch.other(#"{"insert": "@", "documents": [{"_id": "d", "session": "{}"}]}"#)
            #expect(try await store.count() == 4)
            let first = try await store.entries(after: nil, limit: 1)
            #expect(first.map(\.key.text) == ["b"])
            #expect(try await store.entries(after: first.last?.key, limit: 10).map(\.key.text) == ["d"])
        }

        @Test("touchAfter: what was changed a moment ago is not touched, what is older is, and updatedAt says so")
        func touchAfter() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await Self.store(scratch, touchAfter: .seconds(3600), timestamps: true)
            let (record, key) = (Self.record(), try Self.key())
            #expect(try await store.insert(record, at: key))
            try await scratch.other(#"{"update": "@", "updates": [{"q": {}, "u": {"$set": {"updatedAt": "then"}}}]}"#)
            let later = record.idleDeadline + .seconds(60)
            #expect(try await store.touch(key, until: later, ifPayload: record.payload))
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""updatedAt" : "then""#))
            let first = try #require(try await store.load(key)).idleDeadline
            #expect(first < later)
            #expect(try await !store.touch(key, until: later, ifPayload: Array("{}".utf8)))
            let old = Int(Date().timeIntervalSince1970 * 1000) - 3_700_000
            try await scratch.other(
                #"{"update": "@", "updates": [{"q": {}, "u": {"$set": {"lastModified": {"$date": {"$numberLong": "\#(old)"}}}}}]}"#
            )
            #expect(try await store.touch(key, until: later, ifPayload: record.payload))
            #expect(try #require(try await store.load(key)).idleDeadline >= later)
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""updatedAt" : { "$date""#))
        }

        @Test("connect-mongo: settings that make no sense are refused", arguments: 0..<4)
        func refused(_ number: Int) async throws {
            let url = try await SharedServers.standalone.url
            await #expect(throws: SessionConfigurationError.self) {
                switch number {
                case 0: _ = try await ConnectMongoStore(url, collectionName: "")
                case 1: _ = try await ConnectMongoStore(url, collectionName: "a$b")
                case 2: _ = try await ConnectMongoStore(url, touchAfter: .seconds(-1))
                default: _ = try ConnectMongoEncryption(secret: "")
                }
            }
        }
    }
}
#endif
