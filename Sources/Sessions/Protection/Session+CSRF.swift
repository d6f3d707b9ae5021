extension Session {
    /// A CSRF token for a form of this session: 86 characters of base64url, another text each time, so that a compressed
    /// page tells nothing about the secret behind it (checklist CS-06).
    ///
    /// The secret belongs to the session and is renewed at login and by a rotation without a grace. It is derived from
    /// the key ring, so no record holds it. Asking a new session for a token begins the session, as the form's answer
    /// must find it again.
    public var csrfToken: String {
        let secret = exchange.withState { state -> Bytes32 in
            if state.base == nil, !state.isEnded { state.begin() }
            let (handle, nonce) = state.csrfMaterial(exchange.manager)
            return exchange.manager.codec.csrfSecret(handle: handle, nonce: nonce)
        }
        let pad = Bytes32.random().withUnsafeBytes { Array($0) }
        let masked = secret.withUnsafeBytes { zip(pad, $0).map { $0 ^ $1 } }
        return Base64URL.encode(pad + masked)
    }

    /// Whether `token` is a CSRF token of this session: one that an earlier request was given, or this one, also where the
    /// session begins with it. A session that has neither a record nor a token accepts none.
    ///
    /// Take it from a header or a form field, never from a query or a cookie (checklist CS-05), and ask before
    /// ``logIn(_:keeping:)``, which renews the secret. Compares in constant time.
    public func acceptsCSRFToken(_ token: String?) -> Bool {
        guard let token, token.utf8.count == 86, let bytes = Base64URL.decode(token.utf8), bytes.count == 64 else {
            return false
        }
        let unmasked = zip(bytes[..<32], bytes[32...]).map { $0 ^ $1 }
        let presented = unmasked.withUnsafeBytes { Bytes32(copying: $0) }
        let secrets = exchange.withState { state -> [Bytes32] in
            // The random values of a session that begins are made with its first token, and then kept for its record.
            guard !state.isEnded, state.base != nil || state.fresh != nil else { return [] }
            let (handle, nonce) = state.csrfMaterial(exchange.manager)
            return exchange.manager.codec.csrfSecrets(handle: handle, nonce: nonce)
        }
        // Bytes32 compares in constant time.
        return secrets.contains(presented)
    }
}

extension ExchangeState {
    /// What the secret behind the session's CSRF tokens is derived from: of the session as the commit will leave it.
    fileprivate mutating func csrfMaterial(_ manager: SessionManager) -> (handle: SessionHandle, nonce: Nonce) {
        let present = renewsSecret ? nil : base
        // A form that was made before the session moved is still answered.
        let handle = present?.content.origin?.handle ?? (changesHandle(manager) ? nil : presentHandle(manager.format))
        return (
            handle ?? material(manager.format).credential.handle,
            present?.content.csrfNonce ?? material(manager.format).csrfNonce
        )
    }
}
