package import Logging

/// The exchanges that an adapter has opened for one request, and commits when its handler has ended.
package struct RequestExchanges: Sendable {
    /// The first manager's first.
    private let exchanges: [SessionExchange]
    private let options: SessionOptions

    init(_ exchanges: [SessionExchange], _ options: SessionOptions) {
        self.exchanges = exchanges
        self.options = options
    }

    /// Runs the handler, as the options say.
    package func run<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ handler: () async throws -> Result
    ) async rethrows -> Result {
        guard options.contains(.ambient) else { return try await handler() }
        return try await exchanges[0].asCurrent(handler)
    }

    /// What the exchanges have done so far, the first manager's first.
    package var reports: [ExchangeReport] { exchanges.map(\.report) }

    /// Where the first manager logs.
    package var logger: Logger { exchanges[0].manager.logger }

    /// Commits each exchange, once.
    ///
    /// A commit that fails makes the request fail, and the exchanges after it are committed as after a throw.
    ///
    /// - Parameters:
    ///   - error: what the handler threw; `nil` if it returned.
    ///   - logger: is told of an error that the client will not hear of, as another takes its place.
    ///   - carriesFields: whether the adapter can put fields on the response to such an error.
    package func commit(
        after error: (any Error)? = nil,
        logger: Logger? = nil,
        carriesFields: (any Error) -> Bool = { _ in true }
    ) async -> RequestOutcome {
        var outcome = RequestOutcome(error: error)
        for exchange in exchanges {
            let ending = outcome.error.map { HandlerOutcome.threw(carriesFields: carriesFields($0)) } ?? .returned
            do {
                let isExplicit = options.contains(.explicitCommit)
                outcome.fields.append(try await isExplicit ? exchange.close(ending) : exchange.commit(ending))
            } catch {
                if let unheard = outcome.error {
                    (logger ?? self.logger).error(
                        "The handler threw, and its session was not committed.",
                        metadata: ["error": "\(unheard)"]
                    )
                }
                // A SessionError brings its fields along. Another one is the application's own, from an update that ran
                // again.
                if !(error is SessionError) { outcome.fields.append(exchange.fields) }
                outcome.fail(with: error)
            }
        }
        return outcome
    }
}
