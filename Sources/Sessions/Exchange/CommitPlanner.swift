/// Makes one plan; ``CommitPlan`` says what from.
struct CommitPlanner {
    let request: CommitRequest
    let configuration: SessionConfiguration
    let successors: (HeldCredential, RecordContent.Grace) -> [CredentialSecret]
    let make: (Operation, inout SessionContent) throws -> Void
    let now: Timestamp

    func plan(on record: LoadedRecord?) throws -> CommitPlan {
        // A record whose deadline has passed is no record, whatever the store still keeps.
        let current = record.flatMap { $0.isExpired(at: now) ? nil : $0 }
        if request.intent.ending == .destroy { return try destroy() }

        let standing = standing(on: current)
        if let login = request.intent.login { return try logIn(login, on: standing == nil ? nil : current) }
        guard request.hadRecord else { return try begin() }
        if request.intent.ending == .restart, current == nil || standing != nil { return try restart(current) }
        guard let current, let standing else { return try ended() }
        return try change(current, standing)
    }

    /// What the held credential is worth; `nil` if it is worth nothing.
    private func standing(on current: LoadedRecord?) -> LoadedRecord.Standing? {
        guard let current, let held = request.held else { return nil }
        let standing = current.standing(of: held.hash, at: now)
        return standing == .superseded ? nil : standing
    }

    /// What the operations, and a login among them, make of `content`.
    private func changed(_ content: SessionContent, _ ground: Intent.Login.Ground? = nil) throws -> SessionContent {
        let login = request.intent.login.flatMap { login in ground.map { (login, $0) } }
        return try content.changed(by: request.operations, login: login) { operation, content in
            do {
                try make(operation, &content)
            } catch let failure as any CallerFailure {
                throw failure.caught
            } catch {
                throw SessionError.unencodable(error)
            }
        }
    }

    /// The content after all operations. On the record that the handler worked on, that is what the handler saw.
    private func worked(_ content: SessionContent, version: RecordVersion?) throws -> SessionContent {
        if let work = request.work, work.version == version { return work.content }
        return try changed(content)
    }

    // MARK: Ending

    private func destroy() throws -> CommitPlan {
        if request.hadRecord, let held = request.held {
            return CommitPlan(write: .delete(held.key), cookie: .expire(.destroyed))
        }
        switch request.arrival {
        case .unreadable:
            // The record is there, only this node cannot read it. The credential is signed, so its handle is the session's.
            guard let presented = request.presented else { return CommitPlan() }
            return CommitPlan(write: .delete(presented.key), cookie: .expire(.destroyed))
        case .justSuperseded:
            // The session goes on under a credential that this client may have by now: no logout must look done that is not.
            throw SessionError.ended
        default:
            // Nothing of ours is there to end. A client that brought a dead credential of ours is rid of it now.
            return CommitPlan(cookie: request.arrival.bringsDeadCredential ? .expire(.destroyed) : .keep)
        }
    }

    /// The plan for changes to a session that is over.
    private func ended() throws -> CommitPlan {
        let wantsChange = !request.operations.isEmpty || !request.intent.isEmpty
        guard wantsChange else { return CommitPlan() }
        guard configuration.endedPolicy == .discard else { throw SessionError.ended }
        return CommitPlan(discardsChanges: true)
    }

    /// Ends the session, if somebody else has not, and begins an empty one.
    private func restart(_ current: LoadedRecord?) throws -> CommitPlan {
        let new = try fresh(content: changed(SessionContent()))
        return CommitPlan(write: replacing(current, with: new.record), cookie: .send(new.held, .restarted))
    }

    /// The write that ends the session as it stands and begins another.
    private func replacing(_ current: LoadedRecord?, with new: LoadedRecord) -> CommitPlan.Write {
        current.map { .deleteThenInsert($0.key, new) } ?? .insert(new)
    }

    // MARK: Beginning

    /// The plan for a request that came without a session.
    private func begin() throws -> CommitPlan {
        let content = try worked(SessionContent(), version: nil)
        let begins = !content.isEmpty || request.intent.begins || configuration.saveUninitialized
        guard begins, request.travels, !request.isFailed else {
            return CommitPlan(cookie: request.arrival.isNotOurs ? .expire(.malformed) : .keep)
        }
        // A request that raced a login on another connection, or met a record of a newer version, must not put an
        // anonymous cookie over a good one. Where only a page wants a session to begin, the page goes out without.
        if request.arrival.hidesSession { return request.operations.isEmpty ? CommitPlan() : try ended() }
        let new = try fresh(content: content)
        return CommitPlan(write: .insert(new.record), cookie: .send(new.held, .began))
    }

    /// A record at a handle of its own.
    private func fresh(
        content: SessionContent,
        owner: OwnerKey? = nil
    ) throws -> (record: LoadedRecord, held: HeldCredential) {
        let fresh = request.material()
        let held = fresh.credential
        let lifetime = content.lifetime ?? (owner == nil ? configuration.anonymousLifetime : configuration.lifetime)
        let record = RecordContent(
            secretHash: held.hash,
            createdAt: now,
            authenticatedAt: owner == nil ? nil : now,
            rotatedAt: now,
            recent: [],
            csrfNonce: fresh.csrfNonce,
            lifetime: content.lifetime,
            persistence: content.persistence,
            values: content.values,
            flash: content.flash,
            unknown: []
        )
        let stored = StoredRecord(
            payload: [],
            version: request.version,
            idleDeadline: now + lifetime.idle,
            absoluteDeadline: now + lifetime.absolute,
            owner: owner
        )
        return (LoadedRecord(key: held.key, stored: stored, content: record), held)
    }

    // MARK: Logging in

    /// A login does not depend on the old credential: where that is worth nothing any more, it begins a session with
    /// what was recorded after it. Over another owner it begins one too, and ends the other's.
    private func logIn(_ login: Intent.Login, on current: LoadedRecord?) throws -> CommitPlan {
        let owner = OwnerKey(realm: request.realm, owner: login.owner)
        var ground = login.ground(over: current?.stored.owner, in: request.realm)
        if current == nil, request.hadRecord { ground = .nothing }
        if request.intent.ending == .restart { ground = .anonymousSession }
        guard let current, ground != .nothing, request.intent.ending != .restart else {
            let new = try fresh(content: changed(SessionContent(), ground), owner: owner)
            return CommitPlan(
                write: replacing(current, with: new.record),
                cookie: .send(new.held, .loggedIn),
                checksEpoch: owner
            )
        }
        let content = try changed(SessionContent(current.content), ground)
        var next = current
        next.apply(content)
        next.stored.owner = owner
        next.content.authenticatedAt = now
        let held = rotateStrictly(&next)
        let lifetime = next.lifetime(configuration)
        next.stored.idleDeadline = now + lifetime.idle
        next.stored.absoluteDeadline = now + lifetime.absolute
        next.succeed(current, as: request.version)
        return CommitPlan(
            write: succeeding(current, with: next),
            cookie: .send(held, .loggedIn),
            checksEpoch: owner
        )
    }

    // MARK: Changing

    private func change(_ current: LoadedRecord, _ standing: LoadedRecord.Standing) throws -> CommitPlan {
        let before = SessionContent(current.content)
        var content = try worked(before, version: current.stored.version)
        content.flash.removeAll { request.shownFlash.contains($0.id) && !request.keptFlash.contains($0.id) }

        var next = current
        next.apply(content)
        if current.key.isOld {
            // It is written where it goes, and nowhere else: its credential is none of ours, to be sent again or rotated.
            guard content != before || isMoveDue(current) else { return CommitPlan() }
            guard !isEmptied(content, before, current) else { return delete(emptied: current) }
            return move(&next, from: current)
        }
        var cookie = try cookieOnChange(&next, current, standing)
        let isRotated = next.content.secretHash != current.content.secretHash
        guard content != before || isRotated || configuration.resave && !request.hasWritten else {
            return unchanged(current, standing, cookie)
        }
        guard !isEmptied(content, before, current) else { return delete(emptied: current) }
        if standing == .current, !isRotated { next.limitOrigin(to: now + configuration.rotationGrace) }
        let lifetime = next.lifetime(configuration)
        if content.lifetime != before.lifetime {
            let beginning = current.content.authenticatedAt ?? current.content.createdAt
            next.stored.absoluteDeadline = beginning + lifetime.absolute
            next.stored.idleDeadline = now + lifetime.idle
        }
        if content.lifetime != before.lifetime || content.persistence != before.persistence, case .keep = cookie,
            standing == .current, let held = request.held
        {
            cookie = .resend(held, .lifetime)
        }
        next.stored.idleDeadline = max(next.stored.idleDeadline, now + lifetime.idle)
        next.succeed(current, as: request.version)
        if case .keep = cookie {
            cookie = resent(standing, content == before ? nil : content.persistence ?? request.persistence)
        }
        return CommitPlan(write: succeeding(current, with: next), cookie: cookie)
    }

    /// Whether the handler has emptied a session that is then to be deleted.
    private func isEmptied(_ content: SessionContent, _ before: SessionContent, _ current: LoadedRecord) -> Bool {
        configuration.deletesEmptied && content.isEmpty && current.stored.owner == nil && content != before
    }

    private func delete(emptied current: LoadedRecord) -> CommitPlan {
        CommitPlan(write: .deleteEmptied(current.key, current.stored), cookie: .expire(.emptied))
    }

    /// The write that puts `next` in the place of `current`.
    private func succeeding(_ current: LoadedRecord, with next: LoadedRecord) -> CommitPlan.Write {
        next.key == current.key ? .replace(next, over: current.stored) : .move(next, from: current)
    }

    /// Rotates `next` if the handler asked for it and no other request has done so already, and says which credential
    /// the client gets that it does not have.
    private func cookieOnChange(
        _ next: inout LoadedRecord,
        _ current: LoadedRecord,
        _ standing: LoadedRecord.Standing
    ) throws -> CommitPlan.Cookie {
        switch request.intent.rotation {
        case .strict:
            return .send(rotateStrictly(&next), .rotated)
        case .graceful(let grace):
            // Inside a grace the rotation has happened already. A grace is never extended.
            let isInGrace = current.content.grace.map { now < $0.until } ?? false || standing == .inGrace
            guard !isInGrace, let held = request.held else { return successor(current, standing) }
            return .send(rotate(&next, from: held, grace: grace), .rotated)
        case .none:
            guard request.rotatesWhenDue, standing == .current, current.isRotationDue(configuration, at: now),
                let held = request.held
            else { return successor(current, standing) }
            return .send(rotate(&next, from: held, grace: configuration.rotationGrace), .rotated)
        }
    }

    /// The credential that replaced the held one, if it can be told; the client then gets it, like every other request
    /// that races with the old cookie.
    private func successor(_ current: LoadedRecord, _ standing: LoadedRecord.Standing) -> CommitPlan.Cookie {
        guard standing == .inGrace, var held = request.held, let grace = current.content.grace(of: held.hash) else {
            return .keep
        }
        // Another system's credential has a handle of its own.
        held.handle = current.key.handle ?? held.handle
        for secret in successors(held, grace) where secret.hash == current.content.secretHash {
            let next = HeldCredential(handle: held.handle, secret: secret, hash: current.content.secretHash)
            return .resend(next, .successor)
        }
        return .keep
    }

    /// A fresh secret; every earlier one is worth nothing from now on.
    func rotateStrictly(_ next: inout LoadedRecord) -> HeldCredential {
        let fresh = request.material()
        var held = fresh.credential
        // Where the record stays, so does its handle.
        if !request.format.movesOnRotation { held.handle = next.key.handle ?? held.handle }
        next.key = held.key
        next.content.secretHash = held.hash
        next.content.grace = nil
        next.content.origin = nil
        next.content.rotatedAt = now
        next.content.csrfNonce = fresh.csrfNonce
        return held
    }

    /// A secret derived from the old one, which counts on for `grace`.
    private func rotate(_ next: inout LoadedRecord, from held: HeldCredential, grace: Duration) -> HeldCredential {
        let fresh = request.material()
        let grace = RecordContent.Grace(secretHash: held.hash, until: now + grace, nonce: fresh.nonce)
        guard let secret = successors(held, grace).first else { return held }
        let new = HeldCredential(handle: held.handle, secret: secret, hash: secret.hash)
        next.content.secretHash = new.hash
        next.content.grace = grace
        next.limitOrigin(to: grace.until)
        return new
    }

    /// The plan for a request that only read.
    private func unchanged(
        _ current: LoadedRecord,
        _ standing: LoadedRecord.Standing,
        _ cookie: CommitPlan.Cookie
    ) -> CommitPlan {
        guard !request.isFailed else { return CommitPlan() }
        let lag = now.duration(since: current.lastSeen(configuration))
        let isDue = lag >= current.touchInterval(configuration) || request.intent.touches
        let deadline = now + current.lifetime(configuration).idle
        if isDue, deadline > current.stored.idleDeadline {
            var plan = CommitPlan(write: .touch(current, until: deadline), cookie: cookie)
            if case .keep = cookie { plan.cookie = resent(standing) }
            return plan
        }
        // A successor goes out only if it is the current credential still; touching tells.
        guard case .resend = cookie else { return CommitPlan(cookie: cookie) }
        return CommitPlan(write: .touch(current, until: current.stored.idleDeadline), cookie: cookie)
    }

    /// Whether the client's own credential goes out again.
    ///
    /// - Parameter persistence: how long the browser keeps it, if this commit changes the session.
    private func resent(
        _ standing: LoadedRecord.Standing,
        _ persistence: SessionCookie.Persistence? = nil
    ) -> CommitPlan.Cookie {
        guard standing == .current, let held = request.held else { return .keep }
        if !held.isUnderFirstKey { return .resend(held, .reissued) }
        return configuration.rolling || persistence == .untilIdle ? .resend(held, .rolled) : .keep
    }
}

extension CommitRequest {
    /// Whether the handler threw.
    var isFailed: Bool { outcome != .returned }
}

extension OwnerKey {
    /// The key of an application's owner within a realm.
    init(realm: Realm, owner: String) {
        self.init("\(realm.application)/\(realm.cookieName):\(owner)")
    }
}

extension LoadedRecord {
    /// Takes over what a handler made of the content.
    mutating func apply(_ content: SessionContent) {
        self.content.values = content.values
        self.content.flash = content.flash
        self.content.lifetime = content.lifetime
        self.content.persistence = content.persistence
    }

    /// Becomes the record that follows `previous`.
    mutating func succeed(_ previous: LoadedRecord, as version: RecordVersion) {
        stored.version = version
        content.recent = Array(previous.lineage.prefix(RecordContent.recentLimit))
    }
}
