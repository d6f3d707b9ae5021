public import HTTPTypes
public import Logging

extension CSRFPolicy {
    /// The head that answers a request which is refused; `nil` if the request is accepted.
    ///
    /// ```swift
    /// if let refusal = try await csrf.answer(to: request, in: exchange, form: { body }) { return refusal }
    /// ```
    ///
    /// It is a 403 without a body, which no cache keeps (checklist CS-14). It is a response like any other: commit the
    /// exchange, and put what it says onto the head.
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - exchange: the request's exchange with the manager whose session the token belongs to.
    ///   - logger: is told the reason. By default the manager's.
    ///   - form: the body. Asked for only if no header holds the token, the body is said to be a form, and there is a
    ///     session whose token it could be.
    /// - Throws: `SessionError` (503) if the store cannot be asked; what `form` throws.
    public func answer<Form: Collection<UInt8>>(
        to request: HTTPRequest,
        in exchange: SessionExchange,
        logger: Logger? = nil,
        form: () async throws -> Form
    ) async throws -> HTTPResponse? {
        let found = try await refusal(of: request, in: exchange) { try await token(of: request, form: form) }
        guard let found else { return nil }
        (logger ?? exchange.manager.logger).info("request refused", metadata: ["reason": .string(found.description)])
        return HTTPResponse(status: .forbidden, headerFields: OriginPolicy.refusalFields)
    }

    /// Why a request is refused; `nil` if it is accepted.
    ///
    /// - Parameters:
    ///   - request: the request, before anything of it has been acted on.
    ///   - exchange: the request's exchange with the manager whose session the token belongs to.
    ///   - find: finds the token. Asked only if there is a session whose token it could be.
    /// - Throws: `SessionError` (503) if the store cannot be asked; what `find` throws.
    package func refusal(
        of request: HTTPRequest,
        in exchange: SessionExchange,
        token find: () async throws -> String?
    ) async throws -> Refusal? {
        if let refusal = origins.refusal(of: request, for: exchange.manager) { return .origin(refusal) }
        guard asksForToken(request, for: exchange.manager) else { return nil }
        let session = try await exchange.session
        guard refusal(of: nil, in: session) != nil else { return nil }
        // No token is one of a session that is not there: nothing is read for that.
        guard !session.isNew else { return .missingToken }
        return refusal(of: try await find(), in: session)
    }

    /// The token that a request's headers hold, or else its form.
    package func token<Form: Collection<UInt8>>(
        of request: HTTPRequest,
        form: () async throws -> Form
    ) async throws -> String? {
        if let token = token(in: request.headerFields) { return token }
        guard readsForms, Self.isForm(request.headerFields) else { return nil }
        return token(inForm: try await form())
    }

    /// Whether the body is a form. This says where to look for the token, and not whether one is needed (CS-10).
    private static func isForm(_ fields: HTTPFields) -> Bool {
        guard let type = fields[.contentType] else { return false }
        let essence = type.utf8.prefix { $0 != UInt8(ascii: ";") }
        let name = String(decoding: essence, as: UTF8.self).lowercased()
        return name.utf8.filter { $0 != 0x20 && $0 != 0x09 }.elementsEqual("application/x-www-form-urlencoded".utf8)
    }
}
