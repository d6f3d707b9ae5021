import Sessions
import SessionsTesting
import Synchronization

/// A plain store that keeps the contract, but for one flaw.
final class WrongStore: SweepingSessionStore, OwnerIndexedSessionStore, EnumerableSessionStore {
    enum Flaw: String, Sendable, CaseIterable {
        // Writes that forget their condition.
        case insertOverwrites, insertOverwritesExpired, replaceIgnoresVersion, replaceRevives, deleteIgnoresVersion
        case touchIgnoresVersion, touchRewinds, touchRevives, touchWritesFirstPayload, touchLosesOwner,
            touchChangesVersion
        case conflictHandsBackOld, deleteIsAlwaysTrue
        // Conditions that are checked, but not in one step with the write.
        case racyInsert, racyReplace, racyTouch, racyDelete, racyDeleteIfOwner, racyRaiseEpoch
        // What does not come out as it went in.
        case truncatesPayload, cutsPayloadAtNUL, convertsPayload, roundsVersion, roundsDeadlines, keysIgnoreCase
        // Time.
        case collectsEarly, neverCollects, collectsByIdleDeadline, collectsByFirstDeadline, sweepsTheCutoff
        case sweepIgnoresLimit, sweepMiscounts
        // Owners.
        case ownerOfFirstRecord, ownerNeverRemoved, deleteIgnoresOwner, ownersByEquivalence, ownersByPrefix
        case epochGoesBack, epochForgotten, epochNeverForgotten, epochsShared
        // Enumeration.
        case pagesInDisorder, pagesRepeat, pagesIgnoreLimit, countsInserts, clearsNothing
    }

    private struct State {
        var records: [StoreKey: StoredRecord] = [:]
        /// What was first written at a key, deleted or not.
        var first: [StoreKey: StoredRecord] = [:]
        var epochs: [[UInt8]: (epoch: Timestamp, keptUntil: Timestamp)] = [:]
        var inserts = 0
    }

    private let flaw: Flaw?
    private let clock: any SessionClock
    private let state = Mutex(State())

    init(_ flaw: Flaw? = nil, clock: any SessionClock) {
        self.flaw = flaw
        self.clock = clock
    }

    // MARK: The five methods

    func load(_ key: StoreKey) -> StoredRecord? {
        state.withLock { $0.records[spelled(key)] }
    }

    func insert(_ record: StoredRecord, at key: StoreKey) async -> Bool {
        let key = spelled(key)
        if flaw == .racyInsert {
            guard load(key) == nil else { return false }
            await Task.yield()
        }
        let now = clock.now()
        return state.withLock { state in
            if flaw == .collectsEarly {
                state.records = state.records.filter { $0.value.expiresAt > now + .seconds(60) }
            }
            if let current = state.records[key], flaw != .racyInsert, flaw != .insertOverwrites,
                flaw != .insertOverwritesExpired || current.expiresAt > now
            {
                return false
            }
            state.records[key] = written(record)
            state.first[key] = record
            state.inserts += 1
            return true
        }
    }

    func replace(_ record: StoredRecord, at key: StoreKey, ifVersion version: RecordVersion) async -> ReplaceOutcome {
        let key = spelled(key)
        if flaw == .racyReplace {
            guard let current = load(key) else { return .gone }
            guard current.version == version else { return .conflict(current) }
            await Task.yield()
        }
        return state.withLock { state in
            guard let current = state.records[key] else {
                guard flaw == .racyReplace || flaw == .replaceRevives && state.first[key] != nil else { return .gone }
                state.records[key] = record
                return .replaced
            }
            let isUnconditional = flaw == .racyReplace || flaw == .replaceIgnoresVersion
            guard isUnconditional || isSame(current.version, version) else {
                return .conflict(flaw == .conflictHandsBackOld ? state.first[key] : current)
            }
            state.records[key] = written(record)
            return .replaced
        }
    }

    func touch(_ key: StoreKey, until deadline: Timestamp, ifVersion version: RecordVersion) async -> Bool {
        let key = spelled(key)
        let before = load(key)
        if flaw == .racyTouch { await Task.yield() }
        return state.withLock { state in
            var found = flaw == .racyTouch ? before : state.records[key]
            if flaw == .touchRevives { found = found ?? state.first[key] }
            guard var record = found, flaw == .touchIgnoresVersion || isSame(record.version, version) else {
                return false
            }
            record.idleDeadline = flaw == .touchRewinds ? deadline : max(deadline, record.idleDeadline)
            if flaw == .touchWritesFirstPayload { record.payload = state.first[key]?.payload ?? [] }
            if flaw == .touchLosesOwner { record.owner = nil }
            if flaw == .touchChangesVersion { record.version = .random() }
            state.records[key] = record
            return true
        }
    }

    func delete(_ key: StoreKey, ifVersion version: RecordVersion?) async -> Bool {
        let key = spelled(key)
        if flaw == .racyDelete {
            guard let current = load(key), version == nil || current.version == version else { return false }
            await Task.yield()
            state.withLock { $0.records[key] = nil }
            return true
        }
        return state.withLock { state in
            guard let current = state.records[key] else { return flaw == .deleteIsAlwaysTrue }
            guard flaw == .deleteIgnoresVersion || version.map({ isSame($0, current.version) }) ?? true else {
                return false
            }
            state.records[key] = nil
            return true
        }
    }

    // MARK: Sweeping

    func sweep(expiredBefore cutoff: Timestamp, limit: Int) -> Int {
        state.withLock { state in
            if flaw == .epochForgotten { state.epochs = [:] }
            if flaw != .epochNeverForgotten { state.epochs = state.epochs.filter { $0.value.keptUntil >= cutoff } }
            guard flaw != .neverCollects else { return 0 }
            let expired = state.records
                .filter { key, record in
                    switch flaw {
                    case .collectsByIdleDeadline: record.idleDeadline < cutoff
                    case .collectsByFirstDeadline: (state.first[key] ?? record).expiresAt < cutoff
                    case .sweepsTheCutoff: record.expiresAt <= cutoff
                    default: record.expiresAt < cutoff
                    }
                }
                .keys.prefix(flaw == .sweepIgnoresLimit ? .max : limit)
            for key in expired { state.records[key] = nil }
            return flaw == .sweepMiscounts ? limit : expired.count
        }
    }

    // MARK: Owners

    func entries(of owner: OwnerKey) -> [StoredEntry] {
        state.withLock { state in
            state.records
                .filter { key, record in
                    switch flaw {
                    case .ownerOfFirstRecord: isOwned(state.first[key], by: owner)
                    case .ownerNeverRemoved: isOwned(record, by: owner) || isOwned(state.first[key], by: owner)
                    default: isOwned(record, by: owner)
                    }
                }
                .map { StoredEntry(key: $0.key, record: $0.value) }
        }
    }

    func delete(_ key: StoreKey, ifOwner owner: OwnerKey) async -> Bool {
        let key = spelled(key)
        if flaw == .racyDeleteIfOwner {
            guard isOwned(load(key), by: owner) else { return false }
            await Task.yield()
            return state.withLock { $0.records.removeValue(forKey: key) } != nil
        }
        return state.withLock { state in
            guard let record = state.records[key] else { return false }
            guard flaw == .deleteIgnoresOwner || isOwned(record, by: owner) else { return false }
            state.records[key] = nil
            return true
        }
    }

    func epoch(of owner: OwnerKey) -> Timestamp? {
        state.withLock { $0.epochs[name(owner)]?.epoch }
    }

    func raiseEpoch(of owner: OwnerKey, to epoch: Timestamp, keptUntil: Timestamp) async {
        if flaw == .racyRaiseEpoch {
            if let current = self.epoch(of: owner), current >= epoch { return }
            await Task.yield()
            state.withLock { $0.epochs[name(owner)] = (epoch, keptUntil) }
            return
        }
        state.withLock { state in
            let current = state.epochs[name(owner)] ?? (epoch, keptUntil)
            state.epochs[name(owner)] =
                flaw == .epochGoesBack
                ? (epoch, keptUntil) : (max(epoch, current.epoch), max(keptUntil, current.keptUntil))
        }
    }

    // MARK: Enumeration

    func count() -> Int {
        state.withLock { flaw == .countsInserts ? $0.inserts : $0.records.count }
    }

    func entries(after key: StoreKey?, limit: Int) -> [StoredEntry] {
        let records = state.withLock { $0.records }
        let start = key.map { Array($0.text.utf8) }
        let sorted = records.map { (text: Array($0.key.text.utf8), entry: StoredEntry(key: $0.key, record: $0.value)) }
            .sorted { flaw == .pagesInDisorder ? $1.text < $0.text : $0.text < $1.text }
        let rest = sorted.drop { text, _ in
            guard let start else { return false }
            if text == start { return flaw != .pagesRepeat }
            return flaw == .pagesInDisorder ? start < text : text < start
        }
        return rest.prefix(flaw == .pagesIgnoreLimit ? .max : limit).map(\.entry)
    }

    func removeAll() {
        state.withLock { state in
            if flaw != .clearsNothing { state.records = [:] }
        }
    }

    // MARK: Flaws in what is kept and compared

    private func written(_ record: StoredRecord) -> StoredRecord {
        var record = record
        switch flaw {
        case .truncatesPayload: record.payload = Array(record.payload.prefix(65_535))
        case .cutsPayloadAtNUL: record.payload = Array(record.payload.prefix { $0 != 0 })
        case .convertsPayload: record.payload = Array(String(decoding: record.payload, as: UTF8.self).utf8)
        case .roundsDeadlines:
            record.idleDeadline.microseconds -= record.idleDeadline.microseconds % 1000
            record.absoluteDeadline.microseconds -= record.absoluteDeadline.microseconds % 1000
        default: break
        }
        return record
    }

    private func isSame(_ one: RecordVersion, _ two: RecordVersion) -> Bool {
        flaw == .roundsVersion ? Double(one.rawValue) == Double(two.rawValue) : one == two
    }

    private func isOwned(_ record: StoredRecord?, by owner: OwnerKey) -> Bool {
        guard let text = record?.owner?.text else { return false }
        return switch flaw {
        case .ownersByEquivalence: text == owner.text
        case .ownersByPrefix: text.utf8.starts(with: owner.text.utf8)
        default: text.utf8.elementsEqual(owner.text.utf8)
        }
    }

    private func name(_ owner: OwnerKey) -> [UInt8] {
        flaw == .epochsShared ? [] : Array(owner.text.utf8)
    }

    private func spelled(_ key: StoreKey) -> StoreKey {
        guard flaw == .keysIgnoreCase, key.handle == nil else { return key }
        return StoreKey(key.text.lowercased()) ?? key
    }
}

private func < (lhs: [UInt8], rhs: [UInt8]) -> Bool {
    lhs.lexicographicallyPrecedes(rhs)
}
