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

/// A store whose costs can be counted. One more is a conformance, and a line in ``CostSheet/subjects()``.
package protocol CostSubject: Sendable {
    var name: String { get }

    /// What a request of `kind` costs; `nil` if the store cannot serve it.
    func cost(of kind: CostKind) async throws -> Cost?
}
