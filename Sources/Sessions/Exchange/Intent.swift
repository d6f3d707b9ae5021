/// What a handler wants to become of the session itself, beside its values.
struct Intent: Sendable {
    enum Ending: Sendable { case none, destroy, restart }

    /// A login: who, and where in the list of operations it came.
    struct Login: Sendable {
        var owner: String
        var kept: KeptValues
        /// How many operations came before it.
        var position: Int
    }

    enum Rotation: Sendable { case none, graceful(Duration), strict }

    var ending: Ending = .none
    var login: Login?
    var rotation: Rotation = .none
    var touches = false
    /// Whether the session begins even if nothing is put into it: something outside it depends on it.
    var begins = false

    var isEmpty: Bool {
        if case .none = rotation { ending == .none && login == nil && !touches && !begins } else { false }
    }
}

/// The random values that one commit may need, made outside the plan so that the plan is a pure function.
struct FreshMaterial: Sendable {
    var handle = SessionHandle.random()
    var secret = CredentialSecret.random()
    /// What a graceful rotation derives the successor from.
    var nonce = Nonce.random()
    var csrfNonce = Nonce.random()
}

extension SystemRandomNumberGenerator {
    /// 64 random bits.
    static func number() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
