extension Session {
    /// Whether there is no record of this session yet.
    public var isNew: Bool { exchange.withState { !$0.hadRecord || $0.intent.ending == .restart } }

    /// Whether the session was destroyed, or ended while this request held it. Reads then answer defaults, and changes
    /// are absorbed.
    public var isEnded: Bool { exchange.withState { $0.isEnded } }

    /// A public identifier of the current credential, derived from it one-way: 22 characters of base64url. It changes
    /// when the credential rotates.
    ///
    /// After a rotation with a grace it is that of the credential this request came with until the commit.
    public var id: String {
        exchange.withState { state in
            let held = state.renewsSecret ? nil : state.held
            return (held?.hash ?? state.material(exchange.manager.format).credential.hash).publicID
        }
    }

    /// The session's handle: stable for its life, authenticates nothing. Show it in lists, revoke by it.
    ///
    /// After a restart, or a login over another owner, it is that of the session that begins with the commit. A session of
    /// another system that is moved changes it once: see <doc:Moving>.
    public var handle: SessionHandle {
        exchange.withState { state in
            let present = state.changesHandle(exchange.manager) ? nil : state.presentHandle(exchange.manager.format)
            return present ?? state.material(exchange.manager.format).credential.handle
        }
    }

    /// The owner the session is logged in as, a pending ``logIn(_:keeping:)`` included; `nil` for an anonymous session.
    public var owner: String? {
        exchange.withState { state in
            if state.isEnded { return nil }
            if let login = state.intent.login { return login.owner }
            if state.intent.ending == .restart { return nil }
            return state.base?.stored.owner.flatMap { exchange.manager.owner(of: $0) }
        }
    }

    /// When the session began; now for a new one.
    public var createdAt: Timestamp { existing { $0.content.createdAt } ?? exchange.openedAt }

    /// When the owner logged in; `nil` before login.
    public var authenticatedAt: Timestamp? {
        if exchange.withState({ $0.intent.login != nil }) { return exchange.openedAt }
        return existing { $0.content.authenticatedAt }
    }

    /// When a request before this one last moved the idle deadline, to within the renewal interval.
    public var lastSeenAt: Timestamp {
        existing { $0.lastSeen(exchange.manager.configuration) } ?? exchange.openedAt
    }

    /// When the session ends unless a request uses it before.
    public var idleDeadline: Timestamp {
        existing { $0.stored.expiresAt } ?? exchange.openedAt + lifetime.idle
    }

    /// When the session ends whatever happens.
    public var absoluteDeadline: Timestamp {
        existing { $0.stored.absoluteDeadline } ?? exchange.openedAt + lifetime.absolute
    }

    /// The lifetime that applies: this session's own, or the manager's.
    public var lifetime: SessionLifetime {
        let configuration = exchange.manager.configuration
        if let own = exchange.look().content.lifetime { return own }
        let isOwned = exchange.withState { state in
            state.intent.login != nil || state.intent.ending == .none && state.base?.stored.owner != nil
        }
        return isOwned ? configuration.lifetime : configuration.anonymousLifetime
    }

    /// Something of the record, as long as the session goes on with it.
    private func existing<Result>(_ body: (LoadedRecord) -> Result?) -> Result? {
        exchange.withState { state in
            state.intent.ending == .restart ? nil : state.base.flatMap(body)
        }
    }
}

extension SessionManager {
    /// The application's owner id in an index key of this manager's realm.
    func owner(of key: OwnerKey) -> String? {
        realm.owner(of: key)
    }
}

extension Realm {
    /// The application's owner id in an index key of this realm; `nil` if it is of another.
    func owner(of key: OwnerKey) -> String? {
        let prefix = OwnerKey(realm: self, owner: "").text
        guard key.text.utf8.starts(with: prefix.utf8) else { return nil }
        return String(decoding: key.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }
}
