import Sessions

// What goes in comes out (ST-04), whatever it is.
extension SessionStoreConformance {
    private static let payloads: [(name: String, bytes: [UInt8])] = [
        ("no bytes", []),
        ("one NUL", [0]),
        ("all byte values", Array(0...255)),
        ("text with a NUL in the middle", Array("before\u{0}after".utf8)),
        ("bytes that are no UTF-8", [0xFF, 0xC0, 0x80, 0xED, 0xA0, 0x80, 0x66, 0xF0, 0x9F, 0x98]),
        ("text of four-byte characters and combining marks", Array("\u{1F600}e\u{301}\u{E9}\u{FEFF}".utf8)),
        ("quotes, backslashes and line ends", Array("'\"\\\r\n\t;--$1 %s \\x00".utf8)),
        ("spaces at both ends", Array("  padded  ".utf8)),
        ("the word NULL", Array("NULL".utf8)),
        ("64 KiB and one byte", (0..<65_537).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
        ("1 MiB", (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }),
    ]

    static let fidelityChecks: [Check] = [
        Check("payload-bytes", "a payload comes back byte for byte (ST-04)") { subject in
            for (name, bytes) in payloads {
                let (key, first) = try await subject.insert(subject.record(bytes))
                try await subject.expect(first, at: key, after: "an insert of \(name)")
                let second = subject.record(bytes.reversed())
                try await subject.replace(second, at: key, ifVersion: first.version)
                try await subject.expect(second, at: key, after: "a replace with \(name), reversed")
            }
        },
        Check("payload-conflict", "the record that a conflict hands back is whole, byte for byte") { subject in
            for (name, bytes) in payloads {
                let (key, record) = try await subject.insert(subject.record(bytes, owner: OwnerKey("realm:user")))
                let outcome = try await subject.store.replace(subject.record(), at: key, ifVersion: .random())
                guard case .conflict(let current) = outcome else {
                    throw ConformanceFailure("replace with another version returned \(subject.name(outcome))")
                }
                if let current, let difference = subject.difference(record, current) {
                    throw ConformanceFailure("With \(name), a conflict handed back \(difference)")
                }
            }
        },
        Check("version-bits", "versions are told apart in all 64 bits") { subject in
            let bits: [UInt64] = [
                1, 2, 0x8000_0000_0000_0000, 0x8000_0000_0000_0001, 0x7FFF_FFFF_FFFF_FFFF, .max, .max - 1,
                1 << 53, 1 << 53 + 1, 1 << 32, 0x1234_5678_0000_0000, 0x0000_0000_1234_5678,
            ]
            for (index, value) in bits.enumerated() {
                let version = RecordVersion(rawValue: value)
                let (key, record) = try await subject.insert(subject.record(version: version))
                try await subject.expect(record, at: key, after: "an insert with version \(value)")
                for other in bits where other != value {
                    let outcome = try await subject.store.replace(
                        subject.record(),
                        at: key,
                        ifVersion: RecordVersion(rawValue: other)
                    )
                    try require(outcome != .replaced, "version \(other) was taken for version \(value)")
                }
                let next = RecordVersion(rawValue: bits[(index + 1) % bits.count])
                let second = subject.record(version: next)
                try await subject.replace(second, at: key, ifVersion: version)
                try await subject.expect(second, at: key, after: "a replace that writes version \(next.rawValue)")
                try require(
                    await subject.store.delete(key, ifVersion: next),
                    "delete with version \(next.rawValue) returned false"
                )
            }
        },
        Check("timestamps", "deadlines are kept to the microsecond, also the farthest") { subject in
            let base = subject.start + .seconds(3600)
            let odd = Timestamp(microseconds: base.microseconds / 1_000_000 * 1_000_000 + 123_457)
            let deadlines: [(idle: Timestamp, absolute: Timestamp)] = [
                (odd, odd + .microseconds(1)), (odd + .microseconds(1), odd),
                (base, .distantFuture), (.distantFuture, base), (.distantFuture, .distantFuture),
                (.distantFuture - .microseconds(1), .distantFuture - .microseconds(2)),
                (Timestamp(microseconds: 1 << 53 + 1), Timestamp(microseconds: 1 << 62 + 1)),
            ]
            for (idle, absolute) in deadlines {
                var record = subject.record()
                (record.idleDeadline, record.absoluteDeadline) = (idle, absolute)
                let (key, _) = try await subject.insert(record)
                try await subject.expect(record, at: key, after: "an insert")
                record.idleDeadline = max(idle, .distantFuture - .microseconds(3))
                try require(
                    await subject.store.touch(key, until: record.idleDeadline, ifVersion: record.version),
                    "touch with the current version returned false"
                )
                try await subject.expect(record, at: key, after: "a touch to a far deadline")
            }
        },
        Check("timestamps-past", "a deadline long past is kept as it is, or its record is collected") { subject in
            for microseconds in [0, -1, -62_135_596_800_000_000, Int64.min] {
                var record = subject.record()
                record.idleDeadline = Timestamp(microseconds: microseconds)
                let (key, _) = try await subject.insert(record)
                if let found = try await subject.store.load(key), let difference = subject.difference(record, found) {
                    throw ConformanceFailure(
                        "After an insert with deadline \(microseconds), load returned \(difference)"
                    )
                }
            }
        },
        Check("keys", "every key that may be used is a key of its own (ID-11, ST-05)") { subject in
            let handles = [
                SessionHandle(high: 0, low: 0), SessionHandle(high: .max, low: .max),
                SessionHandle(high: 1 << 63, low: 0),
                SessionHandle(high: 0, low: 1), .random(),
            ]
            let texts = [
                "a", "A", "aa", "a:", "a:b", "a:B", "a.b", "a-b", "a_b", "a=b", ".", "..", "...", "-", "--", "=", ":",
                "_",
                "0", "00", "NUL", "CON", "sess:a", "sess:a:", String(repeating: "x", count: 255),
                String(repeating: "x", count: 256), String(repeating: "x", count: 255) + "X",
            ]
            let keys = handles.map { StoreKey($0) } + texts.compactMap { StoreKey($0) }
            try require(keys.count == handles.count + texts.count, "StoreKey refuses a text of this check")
            var records: [(key: StoreKey, record: StoredRecord)] = []
            for key in keys {
                let record = subject.record(Array(key.text.utf8))
                try require(
                    await subject.store.insert(record, at: key),
                    "insert at \(key) returned false: it was taken for another key"
                )
                records.append((key, record))
            }
            for (index, (key, record)) in records.enumerated() {
                try await subject.expect(record, at: key, after: "inserts at other keys")
                guard index.isMultiple(of: 2) else { continue }
                try require(
                    await subject.store.delete(key, ifVersion: record.version),
                    "delete at \(key) with its version returned false"
                )
            }
            for (index, (key, record)) in records.enumerated() {
                try await subject.expect(
                    index.isMultiple(of: 2) ? nil : record,
                    at: key,
                    after: "deletes at other keys"
                )
            }
        },
    ]
}
