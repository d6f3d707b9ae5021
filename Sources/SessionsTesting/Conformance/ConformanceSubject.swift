import Sessions

/// The store under a check, and what the checks have in common.
struct ConformanceSubject: Sendable {
    let store: any SessionStore
    let manualClock: ManualSessionClock?
    let rounds: Int
    /// The time when the check began.
    let start: Timestamp

    init(store: any SessionStore, manualClock: ManualSessionClock?, rounds: Int) {
        self.store = store
        self.manualClock = manualClock
        self.rounds = max(rounds, 1)
        start = manualClock?.now() ?? SystemSessionClock().now()
    }

    // MARK: Refinements

    func sweeping() throws -> any SweepingSessionStore {
        try refined(store as? any SweepingSessionStore)
    }

    func owners() throws -> any OwnerIndexedSessionStore {
        try refined(store as? any OwnerIndexedSessionStore)
    }

    func enumeration() throws -> any EnumerableSessionStore {
        try refined(store as? any EnumerableSessionStore)
    }

    private func refined<Refinement>(_ store: Refinement?) throws -> Refinement {
        guard let store else { throw ConformanceFailure("The store lacks a refinement that its type has.") }
        return store
    }

    // MARK: Making

    func key() -> StoreKey { StoreKey(.random()) }

    /// A record whose deadlines are far away.
    func record(
        _ payload: [UInt8] = Array("payload".utf8),
        version: RecordVersion = .random(),
        idle: Duration = .seconds(3600),
        absolute: Duration = .seconds(86_400),
        owner: OwnerKey? = nil
    ) -> StoredRecord {
        StoredRecord(
            payload: payload,
            version: version,
            idleDeadline: start + idle,
            absoluteDeadline: start + absolute,
            owner: owner
        )
    }

    /// A new record at a new key.
    func insert(_ record: StoredRecord? = nil) async throws -> (key: StoreKey, record: StoredRecord) {
        let (key, record) = (key(), record ?? self.record())
        try await insert(record, at: key)
        return (key, record)
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async throws {
        try require(
            await store.insert(record, at: key),
            "insert returned false at a key where nothing had been inserted"
        )
    }

    func replace(
        _ record: StoredRecord,
        at key: StoreKey,
        ifVersion version: RecordVersion
    ) async throws {
        let outcome = try await store.replace(record, at: key, ifVersion: version)
        try require(outcome == .replaced, "replace with the current version returned \(name(outcome))")
    }

    // MARK: Expecting

    func expect(_ expected: StoredRecord?, at key: StoreKey, after event: String) async throws {
        let found = try await store.load(key)
        guard let difference = difference(expected, found) else { return }
        throw ConformanceFailure("After \(event), load returned \(difference)")
    }

    /// Entries in no particular order.
    func expect(_ expected: [StoredEntry], in found: [StoredEntry], _ place: String) throws {
        try require(
            found.count == expected.count && Set(found.map(\.key)) == Set(expected.map(\.key)),
            "\(place) are \(found.count) entries, \(expected.count) expected, or they have other keys"
        )
        for entry in expected {
            let difference = difference(entry.record, found.first { $0.key == entry.key }?.record)
            try require(difference == nil, "\(place) is \(difference ?? "")")
        }
    }

    /// How two records differ; `nil` if they are the same, byte for byte.
    func difference(_ expected: StoredRecord?, _ found: StoredRecord?) -> String? {
        guard let expected else { return found == nil ? nil : "a record where there must be none" }
        guard let found else { return "nothing where there must be a record" }
        var fields: [String] = []
        if found.payload != expected.payload {
            fields.append("payload (\(found.payload.count) bytes, \(expected.payload.count) expected)")
        }
        if found.version != expected.version { fields.append("version") }
        if found.idleDeadline != expected.idleDeadline {
            fields.append(
                "idle deadline (\(found.idleDeadline.microseconds), \(expected.idleDeadline.microseconds) expected)"
            )
        }
        if found.absoluteDeadline != expected.absoluteDeadline {
            fields.append(
                "absolute deadline (\(found.absoluteDeadline.microseconds), "
                    + "\(expected.absoluteDeadline.microseconds) expected)"
            )
        }
        // As bytes: String takes canonically equivalent texts for equal.
        if found.owner.map({ Array($0.text.utf8) }) != expected.owner.map({ Array($0.text.utf8) }) {
            fields.append("owner")
        }
        return fields.isEmpty ? nil : "a record with a wrong " + fields.joined(separator: " and ")
    }

    /// The outcome without the record in it.
    func name(_ outcome: ReplaceOutcome) -> String {
        switch outcome {
        case .replaced: "replaced"
        case .conflict: "conflict"
        case .gone: "gone"
        }
    }

    // MARK: Racing

    /// Runs `body` in `count` tasks at the same time.
    ///
    /// - Returns: the results, in the order of the tasks.
    func race<Result: Sendable>(
        _ count: Int,
        _ body: @escaping @Sendable (Int) async throws -> Result
    ) async throws -> [Result] {
        try await withThrowingTaskGroup(of: (Int, Result).self) { group in
            for index in 0..<count { group.addTask { (index, try await body(index)) } }
            var results: [(Int, Result)] = []
            for try await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// Runs both at the same time; which one is started first changes from round to round.
    func race<First: Sendable, Second: Sendable>(
        round: Int,
        _ first: @escaping @Sendable () async throws -> First,
        _ second: @escaping @Sendable () async throws -> Second
    ) async throws -> (First, Second) {
        if round.isMultiple(of: 2) {
            async let one = first()
            async let two = second()
            return try await (one, two)
        }
        async let two = second()
        async let one = first()
        return try await (one, two)
    }
}
