import Sessions

// What each of the five methods does, one caller at a time.
extension SessionStoreConformance {
    static let contractChecks: [Check] = [
        Check("load-missing", "load returns nil where nothing was inserted") { subject in
            try await subject.expect(nil, at: subject.key(), after: "nothing")
        },
        Check("load-inserted", "load returns the whole record that was inserted") { subject in
            let (key, record) = try await subject.insert(subject.record(owner: OwnerKey("realm:user")))
            try await subject.expect(record, at: key, after: "insert")
            try await subject.expect(record, at: key, after: "insert and load")
        },
        Check("insert-taken", "insert returns false and changes nothing where there is a record") { subject in
            let (key, record) = try await subject.insert()
            let other = subject.record(Array("other".utf8), owner: OwnerKey("realm:other"))
            try require(
                await !subject.store.insert(other, at: key),
                "insert returned true where there was a record: an id that is already used was taken over"
            )
            try await subject.expect(record, at: key, after: "a refused insert")
            try require(
                await !subject.store.insert(record, at: key),
                "insert of the very record that is there returned true: a repeated insert must be told apart"
            )
        },
        Check("replace-current", "replace with the current version replaces every field of the record") { subject in
            let (key, record) = try await subject.insert()
            let second = subject.record(
                Array("a longer payload than before".utf8),
                idle: .seconds(7200),
                absolute: .seconds(90_000),
                owner: OwnerKey("realm:user")
            )
            try await subject.replace(second, at: key, ifVersion: record.version)
            try await subject.expect(second, at: key, after: "replace")
            let third = subject.record([], idle: .seconds(60), absolute: .seconds(600))
            try await subject.replace(third, at: key, ifVersion: second.version)
            try await subject.expect(
                third,
                at: key,
                after: "a replace that removes the owner and shortens the deadlines"
            )
        },
        Check("replace-conflict", "replace with another version is a conflict and changes nothing") { subject in
            let (key, first) = try await subject.insert()
            let second = subject.record(Array("second".utf8))
            try await subject.replace(second, at: key, ifVersion: first.version)
            let late = subject.record(Array("late".utf8))
            guard case .conflict(let current) = try await subject.store.replace(late, at: key, ifVersion: first.version)
            else {
                throw ConformanceFailure("replace with an old version was no conflict: a concurrent change is lost")
            }
            if let current, let difference = subject.difference(second, current) {
                throw ConformanceFailure("A conflict handed back \(difference): it must be the current record or nil")
            }
            try await subject.expect(second, at: key, after: "a replace that was a conflict")
        },
        Check("replace-missing", "replace where there is no record is gone and creates none") { subject in
            let key = subject.key()
            let outcome = try await subject.store.replace(subject.record(), at: key, ifVersion: .random())
            try require(outcome == .gone, "replace without a record returned \(subject.name(outcome)), not gone")
            try await subject.expect(nil, at: key, after: "a replace where there was no record")
        },
        Check("replace-deleted", "replace does not bring a deleted record back (LC-07)") { subject in
            let (key, record) = try await subject.insert()
            try require(await subject.store.delete(key, ifVersion: nil), "delete of a record returned false")
            let outcome = try await subject.store.replace(subject.record(), at: key, ifVersion: record.version)
            try await subject.expect(nil, at: key, after: "a replace of a deleted record")
            try require(outcome == .gone, "replace of a deleted record returned \(subject.name(outcome)), not gone")
        },
        Check("delete-current", "delete with the current version deletes, once") { subject in
            let (key, record) = try await subject.insert()
            try require(
                await subject.store.delete(key, ifVersion: record.version),
                "delete with the current version returned false"
            )
            try await subject.expect(nil, at: key, after: "delete")
            try require(
                await !subject.store.delete(key, ifVersion: record.version),
                "a second delete with the same version returned true"
            )
        },
        Check("delete-any", "delete without a version deletes whatever is there, once") { subject in
            let (key, record) = try await subject.insert()
            try await subject.replace(subject.record(), at: key, ifVersion: record.version)
            try require(await subject.store.delete(key, ifVersion: nil), "delete of a record returned false")
            try await subject.expect(nil, at: key, after: "delete")
            try require(await !subject.store.delete(key, ifVersion: nil), "a second delete returned true")
            try require(
                await !subject.store.delete(subject.key(), ifVersion: nil),
                "delete returned true where nothing had been inserted"
            )
        },
        Check("delete-conflict", "delete with another version returns false and keeps the record") { subject in
            let (key, first) = try await subject.insert()
            let second = subject.record(Array("second".utf8))
            try await subject.replace(second, at: key, ifVersion: first.version)
            let deleted = try await subject.store.delete(key, ifVersion: first.version)
            try await subject.expect(second, at: key, after: "a delete with an old version")
            try require(!deleted, "delete with an old version returned true")
        },
        Check("insert-again", "after a delete the key is free, and old versions do not count") { subject in
            let (key, old) = try await subject.insert()
            try require(await subject.store.delete(key, ifVersion: nil), "delete of a record returned false")
            let new = subject.record(Array("new".utf8))
            try await subject.insert(new, at: key)
            let outcome = try await subject.store.replace(subject.record(), at: key, ifVersion: old.version)
            try require(outcome != .replaced, "a version from before the delete replaced the record made after it")
            try require(
                await !subject.store.touch(key, until: subject.start + .seconds(9000), ifVersion: old.version),
                "a version from before the delete touched the record made after it"
            )
            try require(
                await !subject.store.delete(key, ifVersion: old.version),
                "a version from before the delete deleted the record made after it"
            )
            try await subject.expect(new, at: key, after: "writes with a version from before a delete")
        },
        Check("touch-moves", "touch moves the idle deadline and nothing else") { subject in
            let (key, first) = try await subject.insert()
            var record = subject.record(Array("second".utf8), owner: OwnerKey("realm:user"))
            try await subject.replace(record, at: key, ifVersion: first.version)
            for seconds in [7200, 7201, 200_000] {
                record.idleDeadline = subject.start + .seconds(seconds)
                try require(
                    await subject.store.touch(key, until: record.idleDeadline, ifVersion: record.version),
                    "touch with the current version returned false"
                )
                try await subject.expect(record, at: key, after: "touch")
            }
        },
        Check("touch-rewind", "touch never moves the idle deadline back (LC-06)") { subject in
            let (key, record) = try await subject.insert()
            for deadline in [record.idleDeadline, record.idleDeadline - .microseconds(1), subject.start] {
                let touched = try await subject.store.touch(key, until: deadline, ifVersion: record.version)
                try await subject.expect(record, at: key, after: "a touch to an earlier deadline")
                try require(touched, "touch to an earlier deadline returned false: that is no error")
            }
        },
        Check("touch-conflict", "touch with another version returns false and changes nothing") { subject in
            let (key, first) = try await subject.insert()
            let second = subject.record(Array("second".utf8))
            try await subject.replace(second, at: key, ifVersion: first.version)
            let deadline = subject.start + .seconds(9000)
            let touched = try await subject.store.touch(key, until: deadline, ifVersion: first.version)
            try await subject.expect(second, at: key, after: "a touch with an old version")
            try require(!touched, "touch with an old version returned true")
        },
        Check("touch-missing", "touch where there is no record returns false and creates none (LC-06)") { subject in
            let deadline = subject.start + .seconds(9000)
            let missing = subject.key()
            let touchedMissing = try await subject.store.touch(missing, until: deadline, ifVersion: .random())
            try await subject.expect(nil, at: missing, after: "a touch where there was no record")
            try require(!touchedMissing, "touch without a record returned true")
            let (key, record) = try await subject.insert()
            try require(await subject.store.delete(key, ifVersion: nil), "delete of a record returned false")
            let touched = try await subject.store.touch(key, until: deadline, ifVersion: record.version)
            try await subject.expect(nil, at: key, after: "a touch of a deleted record")
            try require(!touched, "touch of a deleted record returned true")
        },
    ]
}
