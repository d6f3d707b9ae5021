public import HTTPTypes
public import Logging

extension OriginPolicy {
    /// The head that answers a request which another site makes in a user's name; `nil` if the request is accepted.
    ///
    /// It is a 403 without a body. Caches must not hand it to a request that would be accepted (checklist CS-14). No
    /// session is loaded for it.
    ///
    /// ```swift
    /// if let refusal = policy.answer(to: request, sessions: sessions) { return refusal }
    /// ```
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - sessions: the manager whose cookie tells a user's request from a stranger's; without one, any cookie does.
    ///   - logger: is told the reason. By default the manager's.
    public func answer(
        to request: HTTPRequest,
        sessions: SessionManager?,
        logger: Logger? = nil
    ) -> HTTPResponse? {
        guard let refusal = refusal(of: request, for: sessions) else { return nil }
        (logger ?? sessions?.logger)?.info("request refused", metadata: ["reason": .string(refusal.rawValue)])
        return HTTPResponse(status: .forbidden, headerFields: Self.refusalFields)
    }

    /// Caches must not hand a refusal to a request that would be accepted (checklist CS-14).
    package static let refusalFields: HTTPFields = [.vary: "Sec-Fetch-Site, Origin", .cacheControl: "no-store"]
}
