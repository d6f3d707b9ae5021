/// What one exchange knows and has done so far. Lives behind the exchange's lock.
struct ExchangeState: Sendable {
    enum Phase: Sendable {
        case untouched
        /// Somebody loads; these wait. They are told `false` when the load was cancelled and they should try themselves.
        case loading([CheckedContinuation<Bool, any Error>])
        case open
    }

    var phase: Phase = .untouched
    /// The commit has begun; what changes from now on needs a `save()`.
    var isSealed = false

    var arrival: Arrival = .noCookie
    /// The record that the operations are made on; `nil` for an anonymous session.
    var base: LoadedRecord?
    var hadRecord = false
    var held: HeldCredential?
    /// The session is over, whether or not the store knows it yet: reads answer defaults, changes are absorbed.
    var isEnded = false

    var working = SessionContent()
    var operations: [Operation] = []
    /// Counts changes to `working`, so that a change made outside the lock notices another.
    var generation = 0
    var intent = Intent()
    var fresh: FreshMaterial?
    /// Flash values for this request alone.
    var flashNow: [ValueName: JSONText] = [:]
    /// The flash entries that this request has read and taken away.
    var readFlash: [FlashEntry] = []
    /// The flash entries that go at the end of this request, where flash lives for the next request only.
    var shownFlash: Set<UInt64> = []
    var keptFlash: Set<UInt64> = []
    /// The first value that could not be encoded: the commit refuses.
    var failure: SessionError?

    var fields = SessionFields()
    var report = ExchangeReport()

    /// The fresh random values of this exchange, made when first needed.
    mutating func material() -> FreshMaterial {
        if let fresh { return fresh }
        let new = FreshMaterial()
        fresh = new
        return new
    }

    /// Whether a commit might write; a request that only read is settled on a shorter way.
    var hasWork: Bool { !operations.isEmpty || !intent.isEmpty || !shownFlash.subtracting(keptFlash).isEmpty }

    /// Whether the plan of this state is to do nothing. Where it is `false`, the plan has to be made.
    func isSettled(_ configuration: SessionConfiguration, at now: Timestamp) -> Bool {
        guard arrival == .found, let base, !hasWork, failure == nil else { return false }
        guard !configuration.resave, !configuration.saveUninitialized else { return false }
        return now.duration(since: base.lastSeen(configuration)) < configuration.renewalInterval
    }

    /// Whether the plan may need random values.
    var needsMaterial: Bool {
        if base == nil || intent.login != nil || intent.ending == .restart { return true }
        if case .none = intent.rotation { return false }
        return true
    }

    /// Takes in what the store answered when the session was loaded.
    mutating func arrive(_ arrival: Arrival, _ record: LoadedRecord?, _ held: HeldCredential?) {
        phase = .open
        self.arrival = arrival
        report.arrival = arrival
        fields.isAccessed = true
        guard let record, let held else { return }
        base = record
        hadRecord = true
        self.held = held
        working = SessionContent(record.content)
        fields.isOwned = record.stored.owner != nil
    }

    /// Starts over from `record`, on which `count` of the operations have been committed.
    mutating func rebase(on record: LoadedRecord?, held: HeldCredential?, droppingFirst count: Int) {
        base = record
        self.held = held
        hadRecord = record != nil
        fresh = nil
        operations.removeFirst(count)
        generation += 1
        working = record.map { SessionContent($0.content) } ?? SessionContent()
        for operation in operations {
            // An update that throws on the newer record says so when it is committed.
            try? operation.apply(&working)
        }
    }
}
