#if Mongo
import CMongoC
import Foundation
import Logging
import Sessions
import SessionsTesting
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("The collections")
    struct CollectionTests {
        @Test("the indexes are made once, by however many stores are opened at once")
        func once() async throws {
            let scratch = try await Scratch.standalone()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { _ = try await scratch.store() } }
                try await group.waitForAll()
            }
            let indexes = try await scratch.other(#"{"listIndexes":"@"}"#)
            #expect(indexes.components(separatedBy: #""name" :"#).count - 1 == 3)
            #expect(
                indexes.contains(#""expireAfterSeconds" : { "$numberInt" : "3600" }"#) || indexes.contains(#""3600""#)
            )
            let epochs = try await scratch.other(#"{"listIndexes":"@_epochs"}"#)
            #expect(epochs.components(separatedBy: #""name" :"#).count - 1 == 2)
        }

        @Test("an index that collects at another time is left as it is, and the store refuses it")
        func otherIndex() async throws {
            let scratch = try await Scratch.standalone()
            _ = try await scratch.store()
            let error = try await storeError { try await scratch.store { $0.collectAfter = .seconds(60) } }
            #expect(error?.code == .unusable)
            #expect(error?.message.contains("collMod") == true)
            _ = try await scratch.store()
        }

        @Test("the server collects what is over for long enough, and decides nothing: until then it is loaded")
        func collecting() async throws {
            // What is collected goes at once; what is over for less than an hour stays.
            let eager = try await Scratch.standalone { $0.collectAfter = .seconds(1) }
            let store = try await eager.store()
            let patient = try await Scratch.standalone().store()
            let over = StoredRecord.sample(seconds: -600)
            for store in [store, patient] {
                #expect(try await store.insert(over, at: .numbered(1)))
                #expect(try await store.insert(.sample(), at: .numbered(2)))
                try await store.raiseEpoch(of: OwnerKey("a:b"), to: over.idleDeadline, keptUntil: over.idleDeadline)
            }
            #expect(try await patient.load(.numbered(1)) == over)
            try await waitUntil("the server has collected") {
                let epoch = try await store.epoch(of: OwnerKey("a:b"))
                return try await store.count() == 1 && epoch == nil
            }
            #expect(try await store.load(.numbered(2)) != nil)
            // The other collection was looked at in the same pass.
            #expect(try await patient.load(.numbered(1)) == over)
            #expect(try await patient.epoch(of: OwnerKey("a:b")) == over.idleDeadline)
        }

        @Test("a touch and a replace put off what the server collects")
        func puttingOff() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await scratch.store()
            var record = StoredRecord.sample()
            for number in 1...3 { #expect(try await store.insert(record, at: .numbered(number))) }
            let (first, later) = (record.idleDeadline, record.idleDeadline + .seconds(600))
            #expect(try await store.touch(.numbered(1), until: later, ifVersion: .first))
            record.idleDeadline = later
            record.version = RecordVersion(rawValue: 2)
            #expect(try await store.replace(record, at: .numbered(2), ifVersion: .first) == .replaced)
            for (key, deadline) in [("key-1", later), ("key-2", later), ("key-3", first)] {
                // What the index that collects looks at.
                let found = try await scratch.other(
                    #"{"find":"@","filter":{"_id":"\#(key)"},"projection":{"expiresAt":1}}"#
                )
                let date = #""$numberLong" : "\#(deadline.microseconds / 1000)""#
                #expect(found.contains(date), "\(key)")
            }
        }

        @Test("another program's collection, a view, a capped and a collated one are refused and left as they are")
        func foreign() async throws {
            for setUp in [
                #"{"insert":"@","documents":[{"_id":"sid","expires":1,"session":"{}"}]}"#,
                #"{"insert":"@","documents":[{"version":{"$numberLong":"1"},"payload":"text"}]}"#,
                #"{"create":"@","viewOn":"other","pipeline":[]}"#, #"{"create":"@","capped":true,"size":4096}"#,
                #"{"create":"@","collation":{"locale":"en","strength":1}}"#,
            ] {
                let scratch = try await Scratch.standalone()
                try await scratch.other(setUp)
                let error = try await storeError { try await scratch.store() }
                #expect(error?.code == .unusable, "\(setUp)")
                #expect(error?.message.contains("another program's") == true, "\(setUp)")
            }
        }

        @Test("a document that this package did not write is a clear error, and costs nobody else anything")
        func hostile() async throws {
            let scratch = try await Scratch.standalone()
            let store = try await scratch.store()
            #expect(try await store.insert(.sample(), at: .numbered(0)))
            let right = #""version":{"$numberLong":"1"},"idle":{"$numberLong":"1"},"absolute":{"$numberLong":"1"}"#
            let payload = #""payload":{"$binary":{"base64":"e30=","subType":"00"}}"#
            let documents = [
                #"{"_id":"key-1"}"#, #"{"_id":"key-2",\#(right)}"#, #"{"_id":"key-3",\#(right),"payload":"{}"}"#,
                #"{"_id":"key-4",\#(right),"payload":null}"#, #"{"_id":"key-5",\#(right),\#(payload),"owner":7}"#,
                #"{"_id":"key-6","version":1.5,"idle":1,"absolute":1,\#(payload)}"#,
                #"{"_id":"key-7","version":{"$numberLong":"1"},"idle":{"$date":0},"absolute":1,\#(payload)}"#,
                #"{"_id":"key-8",\#(right),"payload":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}}"#,
                #"{"_id":"key-9",\#(right),"payload":[1,2,3]}"#,
            ]
            try await scratch.other(#"{"insert":"@","documents":[\#(documents.joined(separator: ","))]}"#)
            for number in 1...9 {
                let error = try await storeError { try await store.load(.numbered(number)) }
                #expect(error?.code == .unusable, "\(number)")
                #expect(error?.message.contains("does not write") == true, "\(number)")
                // It is not mistaken for the record that is expected either.
                _ = try await storeError {
                    let outcome = try await store.replace(
                        .sample(version: 2),
                        at: .numbered(number),
                        ifVersion: RecordVersion(rawValue: 9)
                    )
                    #expect(outcome != .replaced, "\(number)")
                }
            }
            #expect(try await store.load(.numbered(0)) != nil)
            // Documents with other keys than text are nobody's sessions.
            try await scratch.other(#"{"delete":"@","deletes":[{"q":{"_id":{"$ne":"key-0"}},"limit":0}]}"#)
            try await scratch.other(
                #"{"insert":"@","documents":[{"_id":7},{"_id":{"$oid":"0123456789abcdef01234567"}}]}"#
            )
            #expect(try await store.count() == 1)
            #expect(try await store.entries(after: nil, limit: 10).count == 1)
        }

        @Test("bytes that are no BSON, or end too early, are no document, and nothing is read beyond them")
        func damaged() throws {
            let document = MongoRecord.document(.sample("text", owner: "a:b"), at: try .numbered(1))
            let bytes = try #require(
                document.withBSON { bson in
                    Array(UnsafeBufferPointer(start: CMongoC_bytes(bson), count: CMongoC_count(bson)))
                }
            )
            #expect(MongoDocument(bytes: bytes) == document)
            for count in 0..<bytes.count { #expect(MongoDocument(bytes: Array(bytes.prefix(count))) == nil) }
            var generator = SeededGenerator(seed: 1)
            var records = 0
            for _ in 0..<20_000 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    damaged[Int.random(in: 4..<damaged.count, using: &generator)] = .random(
                        in: 0...255,
                        using: &generator
                    )
                }
                guard let document = MongoDocument(bytes: damaged) else { continue }
                if (try? MongoRecord.record(document)) != nil { records += 1 }
            }
            // Some damage is in a value, which no format would see.
            #expect(records < 20_000)
        }

        @Test("I9 ID-04 neither the collections nor the server's log holds a piece of a credential")
        func dump() async throws {
            let server = try await MongoServer(arguments: ["-v"])
            let scratch = Scratch(server.url)
            let store = try await scratch.store()
            let sessions = try manager(store)
            var search = SecretSearch()
            var handles: [String] = []
            for number in 0..<20 {
                let browser = SessionBrowser()
                try await browser.visit(sessions) { $0.set(.number, to: number) }
                for value in browser.cookies.values { search.add(credential: value) }
                try await browser.visit(sessions) { $0.logIn("user-\(number)") }
                for value in browser.cookies.values { search.add(credential: value) }
                handles.append(try await browser.visit(sessions) { $0.handle.description })
            }
            try await sessions.revokeAll(of: "user-0")
            let dump = try await server.dump(scratch.configuration.collection)
            // It is the dump of these sessions, and credentials would be found in it.
            let text = String(decoding: dump, as: UTF8.self)
            for handle in handles.dropFirst() { #expect(text.contains(handle)) }
            for entry in try await store.entries(after: nil, limit: 1000) {
                #expect(text.contains(String(decoding: entry.record.payload, as: UTF8.self)))
            }
            #expect(text.contains("user-19"))
            #expect(search.piece(in: dump) == nil)
            let log = try server.log()
            #expect(log.contains(scratch.configuration.collection))
            #expect(search.piece(in: log) == nil)
            try await server.stop()
        }
    }
}
#endif
