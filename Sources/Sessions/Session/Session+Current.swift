extension Session {
    /// The session of the request that this task serves, loaded when first asked for: for code far from the handler that has
    /// neither the request nor its context at hand.
    ///
    /// An adapter that is told to has set it, or ``SessionExchange/asCurrent(isolation:_:)``. Child tasks have it too; a detached task
    /// has none. Where several managers are at work, it is the innermost one's.
    ///
    /// - Throws: ``SessionError/Code/noRequest`` outside a request; what ``SessionExchange/session`` throws.
    public static var current: Session {
        get async throws {
            guard let exchange = SessionExchange.current else {
                throw SessionError(
                    .noRequest,
                    "No request is being served by this task, or its adapter was not told to make its session current. "
                        + "Turn that on where the middleware is made, or pass the session along."
                )
            }
            return try await exchange.session
        }
    }
}

extension SessionExchange {
    /// The exchange of the request that this task serves; see ``Session/current``.
    @TaskLocal static var current: SessionExchange?

    /// Runs `body` with this exchange as the one that ``Session/current`` speaks of.
    public func asCurrent<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await Self.$current.withValue(self, operation: body, isolation: isolation)
    }
}
