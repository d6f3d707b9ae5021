#if NIO
public import HTTPTypes
public import Sessions

extension SessionRequest {
    /// The head that answers a request whose session has no owner, without a body; `nil` if it has one.
    ///
    /// ```swift
    /// if let refusal = try await request.refusalWithoutOwner(redirectingTo: "/signin") {
    ///     return try await response.send(refusal)
    /// }
    /// ```
    ///
    /// Without a location it is a 401 with the manager's challenge in `WWW-Authenticate`, as RFC 9110 section 11.6.1 asks:
    /// `Bearer` for the header transport (RFC 6750 section 3). No scheme is registered for cookies; browsers pass over the
    /// one that is named, `Cookie`, and show the response. With one it is a 303.
    ///
    /// What needs a recent login asks twice, so that users who are signed in are sent to prove it again:
    ///
    /// ```swift
    /// if let refusal = try await request.refusalWithoutOwner(redirectingTo: "/signin") { … }
    /// if let refusal = try await request.refusalWithoutOwner(redirectingTo: "/confirm", freshWithin: .seconds(300)) { … }
    /// ```
    ///
    /// Ask before anything of the request has been acted on: the refusal is a response like any other, with which the
    /// session is committed.
    ///
    /// - Parameters:
    ///   - location: where to redirect, as the `Location` field has it; `nil`, as by default, for a 401.
    ///   - sessions: the manager whose session counts, by default the first. Where several are at work, say which: a user's
    ///     session must not open the administrators' pages.
    ///   - age: how old the owner's login may be, as `Session.requireFresh(within:)` has it. By default of any age.
    /// - Throws: `SessionError` (503) if the store cannot be asked; `SessionConfigurationError` if the connection is not
    ///   served with this manager.
    public func refusalWithoutOwner(
        redirectingTo location: String? = nil,
        of sessions: SessionManager? = nil,
        freshWithin age: Duration? = nil
    ) async throws -> HTTPResponse? {
        let session = if let sessions { try await session(of: sessions) } else { try await session }
        do throws(SessionError) {
            try session.requireOwner()
            if let age { try session.requireFresh(within: age) }
            return nil
        } catch {
            guard let location else { return error.response }
            return HTTPResponse(status: .seeOther, headerFields: [.location: location])
        }
    }
}
#endif
