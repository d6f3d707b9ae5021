/// Makes the ids of new sessions, in another system's format.
enum ForeignIDMaker: Sendable {
    /// Each as the one before.
    case always(@Sendable () -> String)
    /// As the request has it that begins the session.
    case ofRequest(@Sendable (CookieRequest) -> String)

    /// Whether the request has to be known.
    var readsRequest: Bool {
        if case .ofRequest = self { true } else { false }
    }

    /// What makes the ids of one request.
    func following(_ request: CookieRequest) -> ForeignIDMaker {
        switch self {
        case .always: self
        case .ofRequest(let make): .always { make(request) }
        }
    }

    /// An id; empty, which is none, as long as the request is not known.
    func callAsFunction() -> String {
        switch self {
        case .always(let make): make()
        case .ofRequest: ""
        }
    }
}
