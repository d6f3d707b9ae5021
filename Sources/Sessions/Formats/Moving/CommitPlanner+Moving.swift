extension CommitPlanner {
    /// Whether a request that has changed no value moves `current`, a record of another system.
    func isMoveDue(_ current: LoadedRecord) -> Bool {
        // A rotation, whatever its grace, is a new credential, which the old format does not get any more.
        if request.intent.rotates || configuration.resave { return true }
        guard !request.isFailed, let moving = request.moving else { return false }
        return request.intent.touches || moving.isDue(current, configuration, at: now)
    }

    /// Moves `current`, a record of another system, to a handle of its own, as `next`.
    ///
    /// It is a rotation with a grace: the old credential counts on, and every request that brings it is answered with the
    /// same new one. The grace ends when the client has shown that it has the new one, and at the last date of old cookies.
    func move(_ next: inout LoadedRecord, from current: LoadedRecord) -> CommitPlan {
        let lifetime = next.lifetime(configuration)
        if next.content.lifetime != current.content.lifetime {
            let beginning = current.content.authenticatedAt ?? current.content.createdAt
            next.stored.absoluteDeadline = beginning + lifetime.absolute
            next.stored.idleDeadline = now + lifetime.idle
        }
        next.stored.idleDeadline = max(next.stored.idleDeadline, now + lifetime.idle)
        // The other system may know sessions without an end.
        let longest = max(lifetime.absolute, request.moving?.lifetime.absolute ?? .zero)
        next.stored.absoluteDeadline = min(next.stored.absoluteDeadline, now + longest)
        let cookie = moveCredential(&next)
        next.succeed(current, as: request.version)
        return CommitPlan(write: .move(next, from: current), cookie: cookie)
    }

    private func moveCredential(_ next: inout LoadedRecord) -> CommitPlan.Cookie {
        guard let held = request.held else { return .keep }
        if case .strict = request.intent.rotation { return .send(rotateStrictly(&next), .rotated) }
        let fresh = request.material()
        let end = min(request.moving?.end ?? now, next.stored.absoluteDeadline)
        let grace = RecordContent.Grace(secretHash: held.hash, until: end, nonce: fresh.nonce)
        var source = held
        source.handle = fresh.credential.handle
        guard let secret = successors(source, grace).first else { return .keep }
        let new = HeldCredential(handle: source.handle, secret: secret, hash: secret.hash)
        next.key = new.key
        next.content.secretHash = new.hash
        next.content.grace = nil
        next.content.origin = RecordContent.Origin(handle: held.handle, grace: grace)
        next.content.foreign = []
        return .send(new, .moved)
    }
}

extension LoadedRecord {
    /// Lets the credential that the session had in another system count no longer than until `end`.
    mutating func limitOrigin(to end: Timestamp) {
        guard let origin = content.origin, end < origin.grace.until else { return }
        content.origin?.grace.until = end
    }
}
