#if NIO
public import HTTPTypes
public import Sessions

extension SessionRequest {
    /// The head that answers a request which does not come from the application's own pages, or brings no token of its
    /// session; `nil` if the request is accepted.
    ///
    /// ```swift
    /// let form = try await request.body.collect(upTo: 65_536)
    /// if let refusal = try await request.refusalWithoutToken(csrf, form: form.readableBytesView) {
    ///     return try await response.send(refusal)
    /// }
    /// ```
    ///
    /// It is a 403 without a body, which no cache keeps. Nothing is loaded for a request that only reads.
    ///
    /// - Parameters:
    ///   - policy: where requests may come from, and where their token is.
    ///   - form: the body, which can be read once. Looked at only if no header holds the token, and the body is said to
    ///     be a form (`application/x-www-form-urlencoded`); empty for routes that take none.
    ///   - sessions: the manager whose session the token belongs to, by default the first.
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if the connection is not
    ///   served with this manager.
    public func refusalWithoutToken(
        _ policy: CSRFPolicy,
        form: some Collection<UInt8>,
        of sessions: SessionManager? = nil
    ) async throws -> HTTPResponse? {
        let exchange =
            if let sessions { try sessionContext.exchange(of: sessions) } else { try sessionContext.exchange() }
        return try await policy.answer(to: head, in: exchange) { form }
    }
}
#endif
