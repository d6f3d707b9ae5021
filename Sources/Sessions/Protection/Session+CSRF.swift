extension Session {
    /// A CSRF token for a form of this session: 86 characters of base64url, another text each time, so that a compressed
    /// page tells nothing about the secret behind it (checklist CS-06).
    ///
    /// The secret belongs to the session and is renewed at login and by a rotation without a grace. It is derived from
    /// the key ring, so no record holds it. Asking a new session for a token begins the session, as the form's answer
    /// must find it again.
    public var csrfToken: String {
        let secret = exchange.withState { state -> [UInt8] in
            if state.base == nil, !state.isEnded { state.intent.begins = true }
            return state.csrfSecrets(exchange.manager)[0]
        }
        let pad = (0..<4).flatMap { _ in SystemRandomNumberGenerator.number().bigEndianBytes }
        return Base64URL.encode(pad + zip(pad, secret).map { $0 ^ $1 })
    }

    /// Whether `token` is a CSRF token of this session. Take it from a header or a form field, never from a query or a
    /// cookie (checklist CS-05). Compares in constant time.
    public func acceptsCSRFToken(_ token: String?) -> Bool {
        guard let token, token.utf8.count == 86, let bytes = Base64URL.decode(token.utf8), bytes.count == 64 else {
            return false
        }
        let presented = zip(bytes[..<32], bytes[32...]).map { $0 ^ $1 }
        let secrets = exchange.withState { state -> [[UInt8]] in
            state.base == nil || state.isEnded ? [] : state.csrfSecrets(exchange.manager)
        }
        return secrets.contains { secret in
            var difference: UInt8 = 0
            for (left, right) in zip(secret, presented) { difference |= left ^ right }
            return difference == 0
        }
    }
}

extension ExchangeState {
    /// The secrets behind the session's CSRF tokens, one for each key of the ring.
    fileprivate mutating func csrfSecrets(_ manager: SessionManager) -> [[UInt8]] {
        let isRenewed = base == nil || intent.login != nil || intent.ending == .restart || intent.isStrictRotation
        let nonce = isRenewed ? material().csrfNonce : base?.content.csrfNonce ?? 0
        let handle = intent.ending == .restart ? material().handle : held?.handle ?? material().handle
        return manager.codec.csrfSecrets(handle: handle, nonce: nonce)
    }
}

extension UInt64 {
    fileprivate var bigEndianBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
    }
}
