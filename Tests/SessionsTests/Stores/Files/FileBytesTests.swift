import Crypto
import Foundation
import Sessions
import Testing

@testable import Sessions

@Suite("What is in a session's file")
struct FileBytesTests {
    static let key = StoreKey(SessionHandle(high: 1, low: 2))

    @Test("ST-04: a record comes back as it went in, whatever it holds")
    func roundTrip() throws {
        let owners = [nil, "", "app:1", "app:\u{0}", String(repeating: "ü", count: 1000)]
        for owner in owners {
            let payloads: [[UInt8]] = [[], [0], Array(0...255), Array(repeating: 7, count: 100_000)]
            for payload in payloads {
                for moment in [Int64.min, -1, 0, 1, .max] {
                    let record = StoredRecord(
                        payload: payload,
                        version: .random(),
                        idleDeadline: Timestamp(microseconds: moment),
                        absoluteDeadline: Timestamp(microseconds: ~moment),
                        owner: owner.map(OwnerKey.init)
                    )
                    let entry = try #require(FileBytes.record(FileBytes.of(record, at: Self.key)))
                    #expect(entry == StoredEntry(key: Self.key, record: record))
                    #expect(FileBytes.epoch(FileBytes.of(record, at: Self.key)) == nil)
                }
            }
        }
    }

    @Test("ST-03: what is read of any bytes, with a checksum that is right, is a record or nothing", arguments: 1...4)
    func fuzz(seed: UInt64) {
        // Always the same numbers, so that a failure can be looked at.
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let record = StoredRecord.sample("some text", owner: "app:1")
        let epoch = FileBytes.Epoch(
            owner: OwnerKey("app:1"),
            epoch: Timestamp(microseconds: 1),
            keptUntil: Timestamp(microseconds: 2)
        )
        let whole = [FileBytes.of(record, at: Self.key), FileBytes.of(epoch)].map { Array($0.dropLast(16)) }
        for round in 0..<20_000 {
            var bytes = whole[round % 2]
            for _ in 0...random(3) {
                switch random(4) {
                case 0 where !bytes.isEmpty: bytes[random(bytes.count)] = UInt8(random(256))
                case 1 where !bytes.isEmpty: bytes.removeLast(random(bytes.count))
                case 2: bytes += (0..<random(20)).map { _ in UInt8(random(256)) }
                case 3 where bytes.count > 40: bytes.replaceSubrange(32..<40, with: Array(repeating: 0xFF, count: 8))
                default: break
                }
            }
            let file = bytes + SHA256.hash(data: bytes).prefix(16)
            if let entry = FileBytes.record(file) { #expect(FileBytes.of(entry.record, at: entry.key) == file) }
            if let epoch = FileBytes.epoch(file) { #expect(FileBytes.of(epoch) == file) }
        }
    }

    @Test("the format is the same in every version: another process has to read it")
    func knownAnswer() throws {
        var record = StoredRecord.sample("{}", version: 0x0102_0304_0506_0708, idle: 1, absolute: 2, owner: "o")
        let file = FileBytes.of(record, at: try #require(StoreKey("a")))
        let expected: [UInt8] =
            Array("SESSREC1".utf8) + [8, 7, 6, 5, 4, 3, 2, 1] + [1, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0, 0, 0, 0, 0]
            + [1, 0, 0, 0, 0, 0, 0, 0] + Array("a".utf8) + [1, 0, 0, 0, 0, 0, 0, 0]
            + [1, 0, 0, 0, 0, 0, 0, 0] + Array("o".utf8) + [2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)
        #expect(Array(file.dropLast(16)) == expected)
        #expect(Array(file.suffix(16)) == Array(SHA256.hash(data: expected).prefix(16)))
        record.owner = nil
        #expect(try FileBytes.record(FileBytes.of(record, at: #require(StoreKey("a"))))?.record.owner == nil)
    }
}
