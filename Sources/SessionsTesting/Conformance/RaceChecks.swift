import Sessions

// What the five methods do when several tasks use one key at the same time.
extension SessionStoreConformance {
    static let raceChecks: [Check] = [
        Check("race-insert", "of many inserts at one key exactly one wins, and its record is there") { subject in
            for _ in 0..<max(subject.rounds / 10, 1) {
                let key = subject.key()
                let records = (0..<50).map { subject.record([UInt8($0)]) }
                let inserted = try await subject.race(records.count) { index in
                    try await subject.store.insert(records[index], at: key)
                }
                let winners = inserted.indices.filter { inserted[$0] }
                guard winners.count == 1, let winner = winners.first else {
                    throw ConformanceFailure("\(winners.count) of 50 inserts at one key returned true")
                }
                try await subject.expect(records[winner], at: key, after: "50 inserts at the same time")
            }
        },
        Check("race-replace", "of many replaces of one version exactly one wins, the others conflict") { subject in
            for _ in 0..<max(subject.rounds / 10, 1) {
                let (key, first) = try await subject.insert()
                let records = (0..<50).map { subject.record([UInt8($0)]) }
                let outcomes = try await subject.race(records.count) { index in
                    try await subject.store.replace(records[index], at: key, ifVersion: first.version)
                }
                let winners = outcomes.indices.filter { outcomes[$0] == .replaced }
                guard winners.count == 1, let winner = winners.first else {
                    throw ConformanceFailure("\(winners.count) of 50 replaces of one version returned replaced")
                }
                try await subject.expect(records[winner], at: key, after: "50 replaces at the same time")
                for (index, outcome) in outcomes.enumerated() where index != winner {
                    guard case .conflict(let current) = outcome else {
                        throw ConformanceFailure("replace of a record that is there returned \(subject.name(outcome))")
                    }
                    if let current, let difference = subject.difference(records[winner], current) {
                        throw ConformanceFailure("A conflict handed back \(difference)")
                    }
                }
            }
        },
        Check("race-chain", "workers that read, change and replace one record lose no change") { subject in
            let (workers, changes) = (8, max(subject.rounds / 4, 1))
            let (key, _) = try await subject.insert(subject.record(bytes(of: 0)))
            _ = try await subject.race(workers) { _ in
                for _ in 0..<changes { try await addOne(to: key, subject, attempts: workers * changes) }
            }
            let total = try await subject.store.load(key).map { number(in: $0.payload) }
            try require(
                total == workers * changes,
                "\(workers * changes) changes under a version condition left \(total ?? 0): some were lost"
            )
        },
        Check("race-touch-delete", "a touch never brings a record back that is being deleted (LC-06)") { subject in
            for round in 0..<subject.rounds {
                let (key, record) = try await subject.insert()
                let (_, deleted) = try await subject.race(round: round) {
                    try await subject.store.touch(key, until: subject.start + .seconds(9000), ifVersion: record.version)
                } _: {
                    try await subject.store.delete(key, ifVersion: nil)
                }
                try require(deleted, "delete returned false although the record was there")
                try await subject.expect(nil, at: key, after: "a delete and a touch at the same time")
            }
        },
        Check("race-touch-replace", "a touch never undoes a replace, nor keeps it from happening") { subject in
            for round in 0..<subject.rounds {
                let (key, first) = try await subject.insert()
                let second = subject.record(Array("second".utf8), idle: .seconds(4000))
                let (_, outcome) = try await subject.race(round: round) {
                    try await subject.store.touch(key, until: subject.start + .seconds(9000), ifVersion: first.version)
                } _: {
                    try await subject.store.replace(second, at: key, ifVersion: first.version)
                }
                try require(
                    outcome == .replaced,
                    "replace returned \(subject.name(outcome)) because of a touch, which does not change the version"
                )
                try await subject.expect(second, at: key, after: "a replace and a touch at the same time")
            }
        },
        Check("race-replace-delete", "a replace never brings a record back that is being deleted (LC-07)") { subject in
            for round in 0..<subject.rounds {
                let (key, first) = try await subject.insert()
                let (outcome, deleted) = try await subject.race(round: round) {
                    try await subject.store.replace(subject.record(), at: key, ifVersion: first.version)
                } _: {
                    try await subject.store.delete(key, ifVersion: nil)
                }
                try require(deleted, "delete without a version returned false although the record was there")
                try await subject.expect(nil, at: key, after: "a delete and a replace at the same time")
                try require(
                    outcome == .replaced || outcome == .gone,
                    "replace returned \(subject.name(outcome)) although nobody else replaced the record"
                )
            }
        },
        Check("race-replace-delete-version", "of a replace and a delete of one version exactly one wins") { subject in
            for round in 0..<subject.rounds {
                let (key, first) = try await subject.insert()
                let second = subject.record(Array("second".utf8))
                let (outcome, deleted) = try await subject.race(round: round) {
                    try await subject.store.replace(second, at: key, ifVersion: first.version)
                } _: {
                    try await subject.store.delete(key, ifVersion: first.version)
                }
                try require(
                    deleted == (outcome == .gone) && deleted != (outcome == .replaced),
                    "replace returned \(subject.name(outcome)) and delete of the same version returned \(deleted)"
                )
                try await subject.expect(
                    deleted ? nil : second,
                    at: key,
                    after: "a replace and a delete of one version"
                )
            }
        },
        Check("race-delete", "of many deletes of one record exactly one returns true") { subject in
            for _ in 0..<max(subject.rounds / 10, 1) {
                let (key, record) = try await subject.insert()
                let deleted = try await subject.race(20) { index in
                    try await subject.store.delete(key, ifVersion: index.isMultiple(of: 2) ? nil : record.version)
                }
                let count = deleted.count { $0 }
                try require(count == 1, "\(count) of 20 deletes of one record returned true")
            }
        },
    ]

    /// Each conflict stands for a change that somebody made since the last read, so there are only so many.
    private static func addOne(to key: StoreKey, _ subject: ConformanceSubject, attempts: Int) async throws {
        var current = try await subject.store.load(key)
        for _ in 0..<attempts {
            guard let read = current else { throw ConformanceFailure("load lost a record that nobody deletes") }
            let next = subject.record(bytes(of: number(in: read.payload) + 1))
            switch try await subject.store.replace(next, at: key, ifVersion: read.version) {
            case .replaced: return
            case .conflict(let record?): current = record
            case .conflict(nil): current = try await subject.store.load(key)
            case .gone: throw ConformanceFailure("replace of a record that nobody deletes returned gone")
            }
        }
        throw ConformanceFailure("replace conflicts more often than there are changes to conflict with")
    }

    private static func bytes(of number: Int) -> [UInt8] {
        Array(String(number).utf8)
    }

    private static func number(in bytes: [UInt8]) -> Int {
        Int(String(decoding: bytes, as: UTF8.self)) ?? 0
    }
}
