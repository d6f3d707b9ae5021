import Sessions

// Collection happens at the deadline or later, never earlier, and is the only thing a store does about time.
extension SessionStoreConformance {
    static let expiryChecks: [Check] = [
        Check("expired-insert", "a record that has just expired still keeps its key taken") { subject in
            let (key, record) = try await subject.insert(subject.record(idle: .zero))
            let inserted = try await subject.store.insert(subject.record(Array("other".utf8)), at: key)
            if let found = try await subject.store.load(key), let difference = subject.difference(record, found) {
                throw ConformanceFailure(
                    "After an insert at the key of a record just expired, load returned \(difference)"
                )
            }
            try require(!inserted, "insert returned true at the key of a record that had just expired")
        },
        Check("expiry-early", "no record goes before its deadline") { subject in
            let deadlines: [(idle: Duration, absolute: Duration)] = [
                (.seconds(3600), .seconds(7200)), (.seconds(7200), .seconds(3600)), (.seconds(3600), .seconds(3600)),
            ]
            var records: [(key: StoreKey, record: StoredRecord)] = []
            for (idle, absolute) in deadlines {
                records.append(try await subject.insert(subject.record(idle: idle, absolute: absolute)))
            }
            subject.manualClock?.set(subject.start + .seconds(3600) - .microseconds(1))
            // Some stores collect as records come in.
            for _ in 0..<10 { _ = try await subject.insert() }
            if let store = subject.store as? any SweepingSessionStore {
                let cutoff = subject.manualClock?.now() ?? SystemSessionClock().now()
                _ = try await store.sweep(expiredBefore: cutoff, limit: 100)
            }
            for (key, record) in records {
                try await subject.expect(record, at: key, after: "the last microsecond before the deadline")
            }
        },
        Check("expiry-touched", "a touch puts off collection, but not beyond the absolute deadline", needs: .sweeping) {
            subject in
            let store = try subject.sweeping()
            let idle = Duration.seconds(3600)
            var (touched, record) = try await subject.insert(subject.record(idle: idle))
            let (bounded, _) = try await subject.insert(subject.record(idle: idle, absolute: .seconds(5000)))
            let (other, _) = try await subject.insert(subject.record(idle: idle))
            let boundedVersion = try await subject.store.load(bounded)?.version ?? .random()
            record.idleDeadline = subject.start + .seconds(9000)
            for (key, version) in [(touched, record.version), (bounded, boundedVersion)] {
                try require(
                    await store.touch(key, until: record.idleDeadline, ifVersion: version),
                    "touch with the current version returned false"
                )
            }
            let deleted = try await store.sweep(expiredBefore: subject.start + .seconds(6000), limit: 100)
            try await subject.expect(record, at: touched, after: "a sweep that came after a touch")
            try await subject.expect(nil, at: bounded, after: "a sweep past the absolute deadline")
            try await subject.expect(nil, at: other, after: "a sweep past the idle deadline")
            try require(deleted == 2, "sweep returned \(deleted), 2 records had expired")
        },
        Check("expiry-replaced", "a replace moves collection to the new deadlines, either way", needs: .sweeping) {
            subject in
            let store = try subject.sweeping()
            let (later, first) = try await subject.insert(subject.record(idle: .seconds(3600)))
            let (earlier, second) = try await subject.insert(subject.record(idle: .seconds(9000)))
            let kept = subject.record(idle: .seconds(9000))
            try await subject.replace(kept, at: later, ifVersion: first.version)
            try await subject.replace(subject.record(idle: .seconds(3600)), at: earlier, ifVersion: second.version)
            let deleted = try await store.sweep(expiredBefore: subject.start + .seconds(6000), limit: 100)
            try await subject.expect(kept, at: later, after: "a sweep that came after a replace with a later deadline")
            try await subject.expect(nil, at: earlier, after: "a sweep after a replace with an earlier deadline")
            try require(deleted == 1, "sweep returned \(deleted), 1 record had expired")
        },
        Check("sweep-expired", "sweep deletes what expired before the cutoff, and only that", needs: .sweeping) {
            subject in
            let store = try subject.sweeping()
            let cutoff = subject.start + .seconds(5000)
            let lives: [(idle: Duration, absolute: Duration, isKept: Bool)] = [
                (.seconds(4000), .seconds(9000), false), (.seconds(9000), .seconds(4000), false),
                (.seconds(4999), .seconds(4998), false), (.seconds(5000), .seconds(9000), true),
                (.seconds(9000), .seconds(5000), true), (.seconds(6000), .seconds(9000), true),
                (.seconds(5000) - .microseconds(1), .seconds(9000), false),
            ]
            var records: [(key: StoreKey, record: StoredRecord, isKept: Bool)] = []
            for (index, (idle, absolute, isKept)) in lives.enumerated() {
                let owner = index.isMultiple(of: 2) ? OwnerKey("realm:user") : nil
                let (key, record) = try await subject.insert(
                    subject.record(idle: idle, absolute: absolute, owner: owner)
                )
                records.append((key, record, isKept))
            }
            let deleted = try await store.sweep(expiredBefore: cutoff, limit: 100)
            for (key, record, isKept) in records {
                let state =
                    "idle \(record.idleDeadline.duration(since: cutoff)) from the cutoff, "
                    + "absolute \(record.absoluteDeadline.duration(since: cutoff))"
                try await subject.expect(
                    isKept ? record : nil,
                    at: key,
                    after: "a sweep, with a record whose deadlines are \(state)"
                )
            }
            try require(deleted == 4, "sweep returned \(deleted), 4 records had expired")
            let again = try await store.sweep(expiredBefore: cutoff, limit: 100)
            try require(again == 0, "a second sweep returned \(again), nothing was left to delete")
        },
        Check("sweep-limit", "a sweep deletes at most as many records as it may, and says how many", needs: .sweeping) {
            subject in
            let store = try subject.sweeping()
            var keys: [StoreKey] = []
            for index in 0..<25 {
                keys.append(try await subject.insert(subject.record(idle: .seconds(3600 + index))).key)
            }
            let cutoff = subject.start + .seconds(5000)
            var left = keys.count
            for expected in [10, 10, 5, 0] {
                let deleted = try await store.sweep(expiredBefore: cutoff, limit: 10)
                try require(
                    deleted == expected,
                    "sweep with a limit of 10 returned \(deleted) with \(left) expired records there"
                )
                left -= deleted
                var found = 0
                for key in keys where try await store.load(key) != nil { found += 1 }
                try require(found == left, "\(found) records are there after a sweep that should have left \(left)")
            }
        },
        Check("race-sweep-touch", "a sweep never takes a record that was touched in time", needs: .sweeping) {
            subject in
            let store = try subject.sweeping()
            for round in 0..<subject.rounds {
                let (key, record) = try await subject.insert(subject.record(idle: .seconds(3600)))
                let (touched, _) = try await subject.race(round: round) {
                    try await store.touch(key, until: subject.start + .seconds(9000), ifVersion: record.version)
                } _: {
                    try await store.sweep(expiredBefore: subject.start + .seconds(5000), limit: 100)
                }
                let isThere = try await store.load(key) != nil
                try require(
                    isThere == touched,
                    touched
                        ? "a sweep deleted a record that had been touched" : "touch returned false, the record is there"
                )
            }
        },
    ]
}
