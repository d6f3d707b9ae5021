/// What a commit does to the store and to the client's cookie.
///
/// Making a plan is a pure function of the record as it stands, of what the handler did, of the configuration and of
/// the time. When another writer was faster, the whole plan is made again on the newer record: its deadlines and the
/// credential are checked anew, and the operations are made again.
struct CommitPlan: Sendable {
    /// What is written, and where.
    enum Write: Sendable {
        case nothing
        case touch(LoadedRecord, until: Timestamp)
        case insert(LoadedRecord)
        case replace(LoadedRecord, over: StoredRecord)
        /// Deletes whatever version is there; a destroy wins over everything.
        case delete(StoreKey)
        /// Deletes only what was seen; an emptied session that somebody else filled meanwhile stays.
        case deleteEmptied(StoreKey, StoredRecord)
        case deleteThenInsert(StoreKey, LoadedRecord)
        /// Keeps the first under its new key, in place of the second.
        case move(LoadedRecord, from: LoadedRecord)
    }

    /// What becomes of the client's cookie once the write is confirmed.
    enum Cookie: Sendable {
        case keep
        /// A credential that this commit makes.
        case send(HeldCredential, CookieReason)
        /// A credential that there is already: the client's own once more, or the successor that another request made.
        /// Only if this commit's own write or touch succeeded, or it might take the place of a newer one.
        case resend(HeldCredential, CookieReason)
        case expire(CookieReason)
    }

    var write: Write = .nothing
    var cookie: Cookie = .keep

    /// Whether changes were dropped because the session has ended.
    var discardsChanges = false

    /// Whether the client could not be given a cookie, so that what takes one was dropped.
    var withholdsCookie = false

    /// The owner whose epoch must be read after the write: it logs that owner in.
    var checksEpoch: OwnerKey?
}

/// The secret that an exchange holds for a session, with the handle it belongs to.
struct HeldCredential: Sendable {
    var handle: SessionHandle
    var secret: CredentialSecret
    var hash: SecretHash
    /// Whether the client's cookie is signed with the ring's first key.
    var isUnderFirstKey = true
    /// Where the record is, in a wire format that keeps it under another key than its handle.
    var foreignKey: StoreKey?

    /// Where the record is.
    var key: StoreKey { foreignKey ?? StoreKey(handle) }
}

/// What a commit decides on, beside the record.
struct CommitRequest: Sendable {
    /// The credential this exchange holds; `nil` for an anonymous one.
    var held: HeldCredential?
    /// A genuine credential that opened nothing.
    var presented: HeldCredential?
    /// Whether this exchange has had a record: one that is not there any more has then ended.
    var hadRecord: Bool
    /// Why there was no record when the session was loaded.
    var arrival: Arrival
    var operations: [Operation]
    /// What the operations made of the record with this version (`nil`: of no record) while the handler ran.
    var work: (version: RecordVersion?, content: SessionContent)?
    var intent: Intent
    var outcome: HandlerOutcome
    /// The flash entries that were there when the session was loaded.
    var shownFlash: Set<UInt64>
    var keptFlash: Set<UInt64>
    /// Whether this request has written the session before, by `save()`: then `resave` has nothing more to ask for.
    var hasWritten = false
    /// Whether a credential that has become old is rotated: only where the new cookie is sure to travel.
    var rotatesWhenDue = false
    /// Whether the client keeps the cookie of this response.
    var travels = true
    /// How long the browser keeps the cookie of a session that does not say so itself.
    var persistence: SessionCookie.Persistence = .browserSession
    var fresh: FreshMaterial?
    var version: RecordVersion
    var realm: Realm
    var format: any WireFormat
    /// How sessions are moved from another system, if they are.
    var moving: MovingTerms?

    /// The random values that the plan may use.
    func material() -> FreshMaterial { fresh ?? FreshMaterial(format.freshCredential()) }
}

extension CommitPlan {
    /// The plan for `request` on `current`, the record as it stands now.
    ///
    /// - Parameters:
    ///   - successors: the secrets that may have replaced `held`'s, derived under each key of the ring.
    ///   - make: makes an operation.
    /// - Throws: ``SessionError`` if the commit is refused; what an `update` throws when it is made again.
    static func make(
        for request: CommitRequest,
        on current: LoadedRecord?,
        configuration: SessionConfiguration,
        successors: @escaping (HeldCredential, RecordContent.Grace) -> [CredentialSecret],
        make: @escaping (Operation, inout SessionContent) throws -> Void = { try $0.apply(&$1) },
        now: Timestamp
    ) throws -> CommitPlan {
        let request = request.afterThrow(configuration.throwPolicy)
        guard request.travels else {
            // A session that moves out of another system takes a new credential, whether or not it travels: the old cookie
            // leads to it.
            return try plan(
                withoutCookie: request,
                on: current,
                configuration: configuration,
                successors: current?.key.isOld == true ? successors : { _, _ in [] },
                make: make,
                now: now
            )
        }
        let planner = CommitPlanner(
            request: request,
            configuration: configuration,
            successors: successors,
            make: make,
            now: now
        )
        return try planner.plan(on: current)
    }
}

extension CommitPlan {
    /// The plan of a request whose client would not keep a cookie: what takes one is dropped, as nobody could come back to
    /// it (no record without a cookie); what ends the session is kept.
    private static func plan(
        withoutCookie request: CommitRequest,
        on current: LoadedRecord?,
        configuration: SessionConfiguration,
        successors: @escaping (HeldCredential, RecordContent.Grace) -> [CredentialSecret],
        make: @escaping (Operation, inout SessionContent) throws -> Void,
        now: Timestamp
    ) throws -> CommitPlan {
        let (request, isReduced) = request.withoutCookie(configuration)
        let planner = CommitPlanner(
            request: request,
            configuration: configuration,
            successors: successors,
            make: make,
            now: now
        )
        var plan = try planner.plan(on: current)
        plan.withholdsCookie = isReduced
        plan.cookie = .keep
        return plan
    }
}

extension CommitRequest {
    /// The request without what takes a cookie to carry out.
    ///
    /// - Returns: also whether there was anything.
    fileprivate func withoutCookie(_ configuration: SessionConfiguration) -> (CommitRequest, isReduced: Bool) {
        var request = self
        request.rotatesWhenDue = false
        guard hadRecord, intent.login == nil, intent.ending != .restart else {
            let ends = intent.ending == .destroy || hadRecord && intent.ending == .restart
            request.operations = []
            request.work = nil
            request.intent = Intent()
            request.intent.ending = ends ? .destroy : .none
            let wanted = !operations.isEmpty || intent.needsCookie || intent.begins || configuration.saveUninitialized
            return (request, intent.ending != .destroy && wanted && !isFailed)
        }
        request.intent.rotation = .none
        return (request, intent.rotates)
    }

    /// The request as it stands after a handler threw: what gives rights is dropped, what takes them is kept.
    func afterThrow(_ policy: SessionConfiguration.ThrowPolicy) -> CommitRequest {
        guard case .threw(let carriesFields) = outcome else { return self }
        var request = self
        guard policy != .keepEverything else {
            request.outcome = .returned
            return request
        }
        request.operations = []
        request.work = nil
        request.intent.login = nil
        request.intent.touches = false
        request.intent.begins = false
        request.shownFlash = []
        switch policy {
        case .keepRevocations:
            if request.intent.ending == .restart { request.intent.ending = .destroy }
            if !carriesFields { request.intent.rotation = .none }
        case .dropEverything, .keepEverything:
            request.intent = Intent()
        }
        return request
    }
}
