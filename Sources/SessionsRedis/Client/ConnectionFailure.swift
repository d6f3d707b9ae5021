#if Redis
import Sessions

/// Why a connection brought no answer.
enum ConnectionFailure: Error {
    /// The command has not left this process: it may be sent again.
    case notSent(SessionStoreError)
    /// The command may have been carried out: it must not be sent again.
    case lost(SessionStoreError)

    var error: SessionStoreError {
        switch self {
        case .notSent(let error), .lost(let error): error
        }
    }
}
#endif
