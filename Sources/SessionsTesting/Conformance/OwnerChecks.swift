import Sessions

// The index by owner, revocation, and epochs (LC-12).
extension SessionStoreConformance {
    /// Pairwise different in bytes, and easily taken for one another.
    private static let owners = [
        "shop:1", "shop:10", "shop:1 ", " shop:1", "shop:", "sho", "SHOP:1", "shop:1:1", "staff:1", ":", " ",
        "shop:o'brien", "shop:\"; DROP TABLE sessions; --", "shop:%", "shop:_", "shop:*", "shop:[1]", "shop:{1}",
        "shop:\\",
        "shop:\\x31", "shop:\u{0}", "shop:1\u{0}", "shop:1\u{0}0", "shop:1\r\n", "shop:\u{E9}", "shop:e\u{301}",
        "shop:\u{DF}", "shop:ss", "shop:\u{1F600}", "shop:\u{202E}1", "shop:\u{FF11}", "shop:null", "shop:$1", "shop:?",
        "shop:" + String(repeating: "\u{FC}", count: 512), "shop:" + String(repeating: "\u{FC}", count: 511) + "u",
    ].map { OwnerKey($0) }

    static let ownerChecks: [Check] = [
        Check("owner-entries", "an owner's records are found, and nobody else's", needs: .owners) { subject in
            let store = try subject.owners()
            let (one, two) = (OwnerKey("realm:one"), OwnerKey("realm:two"))
            var entries: [StoredEntry] = []
            for index in 0..<5 {
                let (key, record) = try await subject.insert(subject.record([UInt8(index)], owner: one))
                entries.append(StoredEntry(key: key, record: record))
            }
            _ = try await subject.insert(subject.record(owner: two))
            _ = try await subject.insert()
            try subject.expect(entries, in: await store.entries(of: one), "Among the entries of an owner")
            try subject.expect(
                [],
                in: await store.entries(of: OwnerKey("realm:nobody")),
                "Under an owner without records"
            )
            try subject.expect([], in: await store.entries(of: OwnerKey("realm:on")), "Under the beginning of an owner")
        },
        Check("owner-replaced", "a replace that sets, changes or removes the owner moves the entry", needs: .owners) {
            subject in
            let store = try subject.owners()
            let (one, two) = (OwnerKey("realm:one"), OwnerKey("realm:two"))
            var (key, record) = try await subject.insert(subject.record(owner: one))
            for (index, owner) in [one, two, nil, two, two, one, nil].enumerated() {
                let next = subject.record([UInt8(index)], owner: owner)
                try await subject.replace(next, at: key, ifVersion: record.version)
                record = next
                let entry = StoredEntry(key: key, record: record)
                for candidate in [one, two] {
                    try subject.expect(
                        candidate == owner ? [entry] : [],
                        in: await store.entries(of: candidate),
                        "After replace number \(index + 1), among the entries of an owner"
                    )
                }
            }
        },
        Check("owner-touched", "the entries of an owner show a deadline that a touch moved", needs: .owners) {
            subject in
            let store = try subject.owners()
            let owner = OwnerKey("realm:one")
            var (key, record) = try await subject.insert(subject.record(owner: owner))
            record.idleDeadline = subject.start + .seconds(9000)
            _ = try await store.touch(key, until: record.idleDeadline, ifVersion: record.version)
            try subject.expect(
                [StoredEntry(key: key, record: record)],
                in: await store.entries(of: owner),
                "After a touch, among the entries of an owner"
            )
        },
        Check("owner-deleted", "a record that was deleted is no longer among its owner's", needs: .owners) { subject in
            let store = try subject.owners()
            let owner = OwnerKey("realm:one")
            var entries: [StoredEntry] = []
            for index in 0..<3 {
                let (key, record) = try await subject.insert(subject.record([UInt8(index)], owner: owner))
                entries.append(StoredEntry(key: key, record: record))
            }
            // From the middle, from one end, and the last one.
            for index in [1, 1, 0] {
                let entry = entries.remove(at: index)
                try require(
                    await store.delete(entry.key, ifVersion: entry.record.version),
                    "delete with the current version returned false"
                )
                try subject.expect(entries, in: await store.entries(of: owner), "After a delete, among the entries")
            }
        },
        Check("owner-swept", "a record that was swept is no longer among its owner's", needs: .owners, .sweeping) {
            subject in
            let (store, sweeping) = (try subject.owners(), try subject.sweeping())
            let owner = OwnerKey("realm:one")
            _ = try await subject.insert(subject.record(idle: .seconds(3600), owner: owner))
            let (key, record) = try await subject.insert(subject.record(idle: .seconds(9000), owner: owner))
            _ = try await sweeping.sweep(expiredBefore: subject.start + .seconds(5000), limit: 100)
            try subject.expect(
                [StoredEntry(key: key, record: record)],
                in: await store.entries(of: owner),
                "After a sweep, among the entries of an owner"
            )
        },
        Check("owner-delete", "delete for an owner deletes that owner's record, once", needs: .owners) { subject in
            let store = try subject.owners()
            let owner = OwnerKey("realm:one")
            let (key, _) = try await subject.insert(subject.record(owner: owner))
            let (other, kept) = try await subject.insert(subject.record(owner: owner))
            try require(await store.delete(key, ifOwner: owner), "delete for the record's owner returned false")
            try await subject.expect(nil, at: key, after: "a delete for its owner")
            try await subject.expect(kept, at: other, after: "a delete of another record of the same owner")
            try require(await !store.delete(key, ifOwner: owner), "a second delete for the owner returned true")
            try subject.expect(
                [StoredEntry(key: other, record: kept)],
                in: await store.entries(of: owner),
                "After a delete for the owner, among the entries"
            )
        },
        Check("owner-delete-other", "delete for an owner keeps records of others and of nobody", needs: .owners) {
            subject in
            let store = try subject.owners()
            let (one, two) = (OwnerKey("realm:one"), OwnerKey("realm:two"))
            let (key, record) = try await subject.insert(subject.record(owner: one))
            let (anonymous, nobodys) = try await subject.insert()
            for (key, record) in [(key, record), (anonymous, nobodys)] {
                for owner in [two, OwnerKey("realm:on"), OwnerKey("realm:one1"), OwnerKey("REALM:ONE")] {
                    let deleted = try await store.delete(key, ifOwner: owner)
                    try await subject.expect(record, at: key, after: "a delete for somebody who is not its owner")
                    try require(!deleted, "delete for somebody who is not the owner returned true")
                }
            }
            try require(await !store.delete(subject.key(), ifOwner: one), "delete returned true where nothing is")
            // The owner of the moment counts, not an earlier one.
            try await subject.replace(subject.record(owner: two), at: key, ifVersion: record.version)
            try require(await !store.delete(key, ifOwner: one), "delete for an earlier owner returned true")
            try require(await store.delete(key, ifOwner: two), "delete for the present owner returned false")
        },
        Check("owner-text", "owners are told apart byte for byte, whatever their text (ID-11)", needs: .owners) {
            subject in
            let store = try subject.owners()
            var entries: [StoredEntry] = []
            for (index, owner) in owners.enumerated() {
                let (key, record) = try await subject.insert(subject.record([UInt8(index)], owner: owner))
                try await subject.expect(record, at: key, after: "an insert with an owner")
                entries.append(StoredEntry(key: key, record: record))
                let epoch = subject.start + .seconds(index)
                try await store.raiseEpoch(of: owner, to: epoch, keptUntil: subject.start + .seconds(9000))
            }
            for (index, owner) in owners.enumerated() {
                let name = "owner number \(index)"
                try subject.expect([entries[index]], in: await store.entries(of: owner), "Among the entries of \(name)")
                try require(
                    await store.epoch(of: owner) == subject.start + .seconds(index),
                    "The epoch of \(name) is another one's"
                )
                for other in owners.indices where other != index {
                    try require(
                        await !store.delete(entries[other].key, ifOwner: owner),
                        "\(name) was taken for the owner of the record of owner number \(other)"
                    )
                }
            }
        },
        Check("race-owner", "of a change of owner and a delete for the old one exactly one wins", needs: .owners) {
            subject in
            let store = try subject.owners()
            let (one, two) = (OwnerKey("realm:one"), OwnerKey("realm:two"))
            for round in 0..<subject.rounds {
                let (key, first) = try await subject.insert(subject.record(owner: one))
                let second = subject.record(owner: two)
                let (outcome, deleted) = try await subject.race(round: round) {
                    try await store.replace(second, at: key, ifVersion: first.version)
                } _: {
                    try await store.delete(key, ifOwner: one)
                }
                try require(
                    deleted == (outcome == .gone) && deleted != (outcome == .replaced),
                    "replace returned \(subject.name(outcome)) and delete for the old owner returned \(deleted)"
                )
                try await subject.expect(deleted ? nil : second, at: key, after: "a change of owner and a delete")
                try subject.expect([], in: await store.entries(of: one), "Among the entries of the old owner")
                try subject.expect(
                    deleted ? [] : [StoredEntry(key: key, record: second)],
                    in: await store.entries(of: two),
                    "Among the entries of the new owner"
                )
                _ = try await store.delete(key, ifVersion: nil)
            }
        },
        Check("epoch", "an owner has the latest epoch that was set, and never an earlier one", needs: .owners) {
            subject in
            let store = try subject.owners()
            let (owner, other) = (OwnerKey("realm:one"), OwnerKey("realm:two"))
            try require(await store.epoch(of: owner) == nil, "An owner has an epoch that nobody set")
            let end = subject.start + .seconds(9000)
            for (seconds, latest) in [(10, 10), (5, 10), (10, 10), (30, 30), (29, 30), (0, 30)] {
                try await store.raiseEpoch(of: owner, to: subject.start + .seconds(seconds), keptUntil: end)
                let epoch = try await store.epoch(of: owner)
                try require(
                    epoch == subject.start + .seconds(latest),
                    "The epoch went back or was not set: it is \(epoch.map { "\($0.microseconds)" } ?? "nil"), "
                        + "\((subject.start + .seconds(latest)).microseconds) was set before"
                )
            }
            try await store.raiseEpoch(of: owner, to: subject.start + .microseconds(30_000_001), keptUntil: end)
            try require(
                await store.epoch(of: owner) == subject.start + .microseconds(30_000_001),
                "An epoch one microsecond later was not set"
            )
            try require(await store.epoch(of: other) == nil, "An owner has another one's epoch")
        },
        Check("race-epoch", "epochs that are set at the same time end at the latest", needs: .owners) { subject in
            let store = try subject.owners()
            for round in 0..<max(subject.rounds / 10, 1) {
                let owner = OwnerKey("realm:\(round)")
                let seconds = (0..<50).shuffled()
                _ = try await subject.race(seconds.count) { index in
                    let epoch = subject.start + .seconds(seconds[index])
                    try await store.raiseEpoch(of: owner, to: epoch, keptUntil: subject.start + .seconds(9000))
                    let found = try await store.epoch(of: owner)
                    try require(found.map { $0 >= epoch } ?? false, "An epoch that was set reads as an earlier one")
                }
                try require(
                    await store.epoch(of: owner) == subject.start + .seconds(49),
                    "Of epochs set at the same time, the latest was lost"
                )
            }
        },
        Check("epoch-kept", "no epoch is forgotten before the time it is to be kept to", needs: .owners, .sweeping) {
            subject in
            let (store, sweeping) = (try subject.owners(), try subject.sweeping())
            let owners = (0..<3).map { OwnerKey("realm:\($0)") }
            let epoch = subject.start + .seconds(10)
            for owner in owners {
                try await store.raiseEpoch(of: owner, to: epoch, keptUntil: subject.start + .seconds(5000))
            }
            // A later call may lengthen the time, and an earlier epoch must not shorten it.
            try await store.raiseEpoch(
                of: owners[1],
                to: epoch + .seconds(1),
                keptUntil: subject.start + .seconds(9000)
            )
            try await store.raiseEpoch(of: owners[2], to: subject.start, keptUntil: subject.start + .seconds(20))
            for cutoff in [1000, 5000] {
                _ = try await sweeping.sweep(expiredBefore: subject.start + .seconds(cutoff), limit: 100)
                for (owner, expected) in zip(owners, [epoch, epoch + .seconds(1), epoch]) {
                    try require(await store.epoch(of: owner) == expected, "A sweep forgot an epoch before its time")
                }
            }
            _ = try await sweeping.sweep(expiredBefore: subject.start + .seconds(7000), limit: 100)
            try require(
                await store.epoch(of: owners[1]) == epoch + .seconds(1),
                "A sweep forgot an epoch at the time of an earlier call"
            )
        },
        Check("epoch-forgotten", "a sweep forgets epochs whose time is over", needs: .owners, .sweeping) { subject in
            let (store, sweeping) = (try subject.owners(), try subject.sweeping())
            let owner = OwnerKey("realm:one")
            try await store.raiseEpoch(of: owner, to: subject.start, keptUntil: subject.start + .seconds(5000))
            _ = try await sweeping.sweep(expiredBefore: subject.start + .seconds(6000), limit: 100)
            try require(await store.epoch(of: owner) == nil, "A sweep did not forget an epoch whose time is over")
        },
    ]
}
