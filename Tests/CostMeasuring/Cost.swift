/// What one request costs beyond its process.
package struct Cost: Sendable, Hashable {
    /// How often something was sent to a server and waited for.
    package var roundTrips = 0
    /// What the server was told to do.
    package var commands: [String] = []
    package var sentBytes = 0
    package var receivedBytes = 0

    package init() {}
}

/// What the client of one request sees of it.
package struct CostAnswer: Sendable, Hashable {
    /// How many bytes the value of the cookie has that the request brings.
    package var receivedBytes = 0
    /// How many bytes the value of the cookie has that the response sets; 0 if it sets none, or takes it away.
    package var setBytes = 0
    /// How often a store was asked, as the exchange reports.
    package var roundTrips = 0

    package init() {}
}

/// A store whose costs can be counted. One more is a conformance, and a line in ``CostSheet/subjects()``.
package protocol CostSubject: Sendable {
    var name: String { get }

    /// What a request of `kind` costs; `nil` if the store cannot serve it.
    func cost(of kind: CostKind) async throws -> Cost?
}
