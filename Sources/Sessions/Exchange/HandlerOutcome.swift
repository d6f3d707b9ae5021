/// How the handler ended whose exchange is being committed.
public enum HandlerOutcome: Sendable, Hashable {
    /// It returned a response.
    case returned

    /// It threw. `carriesFields` says whether the adapter can put fields on the error response.
    case threw(carriesFields: Bool)
}
