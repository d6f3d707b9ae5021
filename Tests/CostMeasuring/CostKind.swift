import Sessions

/// A kind of request, as the cost sheet of docs/benchmarks.md tells them apart.
package enum CostKind: String, CaseIterable, Sendable {
    case untouched = "does not ask for its session"
    case none = "has no session, and asks"
    case read = "reads"
    case touched = "reads, a touch is due"
    case begun = "begins a session"
    case set = "sets a value"
    case conflict = "sets a value, and another request was faster"
    case saved = "sets a value, saves, and sets another"
    case consumed = "consumes a value"
    case rotated = "rotates"
    case restarted = "restarts"
    case loggedInNew = "logs in without a session"
    case loggedIn = "logs in over a session"
    case destroyed = "destroys"
    case loggedOut = "logs out"
    case listed = "lists the three sessions of its owner"
    case othersRevoked = "ends the other two sessions of its owner"
    case destroyedAll = "ends all three sessions of an owner"

    static let key = SessionKey<Int>("number", default: 0)
    static let once = SessionKey<String?>("once")
}
