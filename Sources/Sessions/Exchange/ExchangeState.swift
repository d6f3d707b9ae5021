/// What one exchange knows and has done so far. Lives behind the exchange's lock.
///
/// The truth is the record that was loaded (``base``) and what was recorded since (``operations``, ``intent``). What a
/// handler sees follows from them; ``seen`` keeps it between two verbs.
struct ExchangeState: Sendable {
    enum Phase: Sendable {
        case untouched
        /// Somebody loads; these wait. They are told `false` when the load was cancelled and they should try themselves.
        case loading([CheckedContinuation<Bool, any Error>])
        case open
    }

    /// What follows from the record and the verbs.
    struct Seen: Sendable {
        var content: SessionContent
        /// Whether every operation could be made. One that could not says so when it is committed.
        var isComplete = true
    }

    var phase: Phase = .untouched
    /// The commit has begun; what changes from now on needs a `save()`.
    var isSealed = false

    var arrival: Arrival = .noCookie
    /// The record that the operations are made on; `nil` for an anonymous session.
    private(set) var base: LoadedRecord?
    private(set) var hadRecord = false
    private(set) var held: HeldCredential?
    /// A genuine credential that the request brought and that opened nothing.
    private(set) var presented: HeldCredential?
    /// The session is over, whether or not the store knows it yet: reads answer defaults, changes are absorbed.
    var isEnded = false

    /// Counts the verbs: what is recorded while a commit is under way is told from what that commit has taken along.
    private(set) var moment = 0
    private(set) var operations: [Operation] = []
    private(set) var intent = Intent()
    /// The first verb that cannot be carried out: the commit refuses.
    private(set) var failure: (error: SessionError, moment: Int)?
    /// `nil` where it has to be worked out again.
    private(set) var seen: Seen? = Seen(content: SessionContent())

    /// How many commits of this exchange are under way.
    var settling = 0
    /// The random values of the next credential, once somebody needs them.
    var fresh: FreshMaterial?
    /// The epochs of owners that this exchange has raised itself.
    var ownEpochs: [OwnerKey: Timestamp] = [:]
    /// Flash values for this request alone.
    var flashNow: [ValueName: JSONText] = [:]
    /// The flash entries that this request has read and taken away.
    var readFlash: [FlashEntry] = []
    /// The flash entries that go at the end of this request, where flash lives for the next request only.
    var shownFlash: Set<UInt64> = []
    var keptFlash: Set<UInt64> = []

    /// The settings of this exchange's cookie, where they depend on the request.
    var cookie: RequestCookie?
    var fields = SessionFields()
    var report = ExchangeReport()

    /// Takes in what the store answered when the session was loaded.
    mutating func arrive(_ arrival: Arrival, _ record: LoadedRecord?, _ held: HeldCredential?) {
        phase = .open
        self.arrival = arrival
        report.arrival = arrival
        guard let record else {
            presented = held
            return
        }
        base = record
        hadRecord = true
        self.held = held
        seen = Seen(content: SessionContent(record.content))
        fields.isOwned = record.stored.owner != nil
    }

    // MARK: Recording

    /// Records an operation that makes `content` of what was seen at `moment`.
    ///
    /// - Returns: `false` if another verb came first, so that the operation has to be made again.
    mutating func record(_ operation: Operation, making content: SessionContent, at moment: Int) -> Bool {
        guard moment == self.moment, let seen else { return false }
        self.moment += 1
        var operation = operation
        operation.moment = self.moment
        operations.append(operation)
        self.seen = Seen(content: content, isComplete: seen.isComplete)
        return true
    }

    /// Has the commit refuse. The first failure counts: one more is no verb, and disturbs none that is being made.
    mutating func fail(_ error: SessionError) {
        guard failure == nil else { return }
        moment += 1
        failure = (error, moment)
    }

    mutating func logIn(_ owner: String, keeping kept: KeptValues) {
        moment += 1
        intent.login = Intent.Login(owner: owner, kept: kept, position: operations.count)
        intent.moments.login = moment
        seen = nil
    }

    mutating func rotate(_ rotation: Intent.Rotation) {
        moment += 1
        intent.rotation = rotation
        intent.moments.rotation = moment
    }

    mutating func touch() {
        moment += 1
        intent.touches = true
        intent.moments.touches = moment
    }

    /// Has the session begin even if nothing is put into it.
    mutating func begin() {
        guard !intent.begins else { return }
        moment += 1
        intent.begins = true
        intent.moments.begins = moment
    }

    /// Ends the session; what was recorded before is void.
    mutating func end(_ ending: Intent.Ending) {
        forget(through: moment)
        moment += 1
        flashNow = [:]
        intent.ending = ending
        intent.moments.ending = moment
        isEnded = isEnded || ending == .destroy
        seen = Seen(content: SessionContent())
    }

    // MARK: Forgetting

    /// Forgets the verbs up to `moment`: they are committed, or never will be.
    mutating func forget(through moment: Int) {
        let count = operations.prefix { $0.moment <= moment }.count
        operations.removeFirst(count)
        intent.forget(through: moment, operations: count)
        if let failure, failure.moment <= moment { self.failure = nil }
        seen = isEnded ? Seen(content: SessionContent()) : nil
        self.moment += 1
    }

    /// Forgets all verbs since the last checkpoint.
    mutating func discard() {
        if intent.ending == .destroy { isEnded = false }
        forget(through: moment)
        flashNow = [:]
        readFlash = []
        shownFlash = []
    }

    /// Forgets everything but an end of the session, where nobody saved it.
    ///
    /// - Returns: whether there was anything.
    mutating func keepEndingOnly() -> Bool {
        let ends = intent.ending == .destroy || base != nil && intent.ending == .restart
        let isLost = !operations.isEmpty || intent.needsCookie || intent.touches || intent.begins || failure != nil
        guard hasWork || failure != nil else { return false }
        guard ends else {
            discard()
            return isLost
        }
        end(.destroy)
        return isLost
    }

    /// Forgets everything but an end of the session: the rest is nowhere to be kept but in a cookie.
    ///
    /// - Returns: whether there was anything.
    mutating func forgetAll() -> Bool {
        guard hasWork, intent.ending != .destroy else { return false }
        forget(through: moment)
        return true
    }

    /// Forgets what takes a cookie to carry out, and what was recorded on top of it.
    mutating func forgetWhatNeedsCookie() {
        if base == nil || intent.ending == .restart {
            operations = []
        } else if let login = intent.login {
            operations.removeSubrange(login.position...)
        }
        intent = Intent()
        seen = nil
        moment += 1
    }

    /// Starts over from `record`, with what was recorded after `moment`.
    mutating func rebase(on record: LoadedRecord?, held: HeldCredential?, through moment: Int) {
        base = record
        hadRecord = record != nil
        self.held = held
        forget(through: moment)
    }

    // MARK: Looking

    /// What follows from the record and the verbs.
    ///
    /// - Parameter make: makes an operation.
    func makeSeen(_ realm: Realm, _ make: (Operation, inout SessionContent) throws -> Void) -> Seen {
        guard !isEnded else { return Seen(content: SessionContent()) }
        let base = intent.ending == .none ? base : nil
        let login = intent.login.map { ($0, $0.ground(over: base?.stored.owner, in: realm)) }
        var isComplete = true
        let content = (base.map { SessionContent($0.content) } ?? SessionContent())
            .changed(by: operations, login: login) { operation, content in
                let before = content
                do {
                    try make(operation, &content)
                } catch {
                    content = before
                    isComplete = false
                }
            }
        return Seen(content: content, isComplete: isComplete)
    }

    /// Keeps what was worked out; `false` if a verb came since.
    mutating func see(_ seen: Seen, at moment: Int) -> Bool {
        guard moment == self.moment else { return false }
        self.seen = seen
        return true
    }

    /// Where this exchange's record is, or will be.
    mutating func key(_ format: any WireFormat) -> StoreKey {
        held?.key ?? material(format).credential.key
    }

    /// Whether a commit might write.
    var hasWork: Bool { !operations.isEmpty || !intent.isEmpty || !shownFlash.subtracting(keptFlash).isEmpty }

    /// Whether the credential has reached the age at which it is rotated.
    func isRotationDue(_ configuration: SessionConfiguration, at clock: any SessionClock) -> Bool {
        guard configuration.rotationInterval != nil, let base else { return false }
        return base.isRotationDue(configuration, at: clock.now())
    }

    /// Whether a commit of this exchange has written the session.
    var hasWritten: Bool { report.commit == .inserted || report.commit == .replaced }

    /// Whether a request that only read moves the session to our own store.
    func isMoveDue(_ manager: SessionManager) -> Bool {
        guard let moving = manager.moving, let base, isUnmoved else { return false }
        return MovingTerms(moving).isDue(base, manager.configuration, at: manager.clock.now())
    }

    /// Whether the plan of this state is to do nothing. Where it is `false`, the plan has to be made.
    func isSettled(_ configuration: SessionConfiguration, at now: Timestamp) -> Bool {
        guard !hasWork, !isUnmoved, failure == nil, !configuration.resave, !configuration.saveUninitialized else {
            return false
        }
        if arrival == .noCookie { return base == nil }
        guard arrival == .found, let base else { return false }
        return now.duration(since: base.lastSeen(configuration)) < base.touchInterval(configuration)
            && !base.isRotationDue(configuration, at: now)
    }

    /// The fresh random values of this exchange, made when first needed.
    mutating func material(_ format: any WireFormat) -> FreshMaterial {
        if let fresh { return fresh }
        let new = FreshMaterial((cookie?.format ?? format).freshCredential())
        fresh = new
        return new
    }

    /// The session's handle as it is now.
    func presentHandle(_ format: any WireFormat) -> SessionHandle? {
        base.flatMap { format.handle(of: $0.key) } ?? held?.handle
    }

    /// Whether the record is where a manager moves sessions from.
    var isUnmoved: Bool { base?.key.isOld ?? false }

    /// Whether the session goes on under another handle than the one it came with.
    func changesHandle(_ manager: SessionManager) -> Bool {
        guard base != nil, intent.ending != .restart else { return true }
        // Where sessions are ended by their handle, one whose earlier cookies are to be worth nothing takes another. So does
        // one whose handle follows from its credential.
        if intent.isRenewing, manager.sealed?.revocations != nil || manager.format.movesOnRotation || isUnmoved {
            return true
        }
        guard let login = intent.login, let owner = base?.stored.owner else { return false }
        return owner != OwnerKey(realm: manager.realm, owner: login.owner)
    }

    /// Whether the secret, and what is derived from the record's nonce, will be fresh.
    var renewsSecret: Bool { base == nil || intent.isRenewing }

    /// Whether the plan may need random values.
    var needsMaterial: Bool { renewsSecret || intent.rotates || isUnmoved }

    /// What a commit of this state decides on.
    func request(
        _ outcome: HandlerOutcome,
        _ manager: SessionManager,
        isFinal: Bool
    ) -> CommitRequest {
        let isPlain = intent.login == nil && intent.ending == .none && seen?.isComplete == true
        return CommitRequest(
            held: held,
            presented: presented,
            hadRecord: hadRecord,
            arrival: arrival,
            operations: operations,
            work: isPlain ? seen.map { (base?.stored.version, $0.content) } : nil,
            intent: intent,
            outcome: outcome,
            shownFlash: isFinal ? shownFlash : [],
            keptFlash: keptFlash,
            hasWritten: hasWritten,
            rotatesWhenDue: isFinal && outcome == .returned,
            travels: cookie?.travels ?? true,
            persistence: cookie?.persistence ?? manager.configuration.cookie.persistence,
            fresh: fresh,
            version: .random(),
            realm: manager.realm,
            format: cookie?.format ?? manager.format,
            moving: manager.moving.map { MovingTerms($0) }
        )
    }
}
