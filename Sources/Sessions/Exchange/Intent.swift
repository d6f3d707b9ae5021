/// What a handler wants to become of the session itself, beside its values.
struct Intent: Sendable {
    enum Ending: Sendable { case none, destroy, restart }

    /// A login: who, and where in the list of operations it came.
    struct Login: Sendable {
        var owner: String
        var kept: KeptValues
        /// How many operations came before it.
        var position: Int

        /// What a login builds on.
        enum Ground: Sendable {
            /// A session of the same owner: everything is kept.
            case ownSession
            /// An anonymous session: what the login says is kept.
            case anonymousSession
            /// Another owner's session, or one that has ended: nothing is kept.
            case nothing
        }

        /// What the login builds on in a session that `owner` owns.
        func ground(over owner: OwnerKey?, in realm: Realm) -> Ground {
            guard let owner else { return .anonymousSession }
            return owner == OwnerKey(realm: realm, owner: self.owner) ? .ownSession : .nothing
        }
    }

    enum Rotation: Sendable { case none, graceful(Duration), strict }

    /// When each part was asked for, as the exchange counts its verbs.
    struct Moments: Sendable {
        var ending = 0
        var login = 0
        var rotation = 0
        var touches = 0
        var begins = 0
    }

    var ending: Ending = .none
    var login: Login?
    var rotation: Rotation = .none
    var touches = false
    /// Whether the session begins even if nothing is put into it: something outside it depends on it.
    var begins = false
    var moments = Moments()

    var isEmpty: Bool { ending == .none && login == nil && !rotates && !touches && !begins }

    /// Whether a rotation was asked for.
    var rotates: Bool {
        if case .none = rotation { false } else { true }
    }

    /// Whether the client is to get a credential that does not follow from its present one.
    var isRenewing: Bool {
        if case .strict = rotation { return true }
        return login != nil || ending == .restart
    }

    /// Whether it takes a Set-Cookie to carry out.
    var needsCookie: Bool { login != nil || ending == .restart || rotates }

    /// Forgets the parts that were asked for up to `moment`, and the first `count` operations.
    mutating func forget(through moment: Int, operations count: Int) {
        if moments.ending <= moment { ending = .none }
        if moments.login <= moment { login = nil }
        if moments.rotation <= moment { rotation = .none }
        if moments.touches <= moment { touches = false }
        if moments.begins <= moment { begins = false }
        if let position = login?.position { login?.position = max(position - count, 0) }
    }
}

/// The random values that one commit may need, made outside the plan so that the plan is a pure function.
struct FreshMaterial: Sendable {
    var credential: HeldCredential
    /// What a graceful rotation derives the successor from.
    var nonce = Nonce.random()
    var csrfNonce = Nonce.random()

    init(_ credential: HeldCredential) {
        self.credential = credential
    }
}

extension SystemRandomNumberGenerator {
    /// 64 random bits.
    static func number() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
