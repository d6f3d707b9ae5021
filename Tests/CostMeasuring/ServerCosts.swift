package import Sessions
package import TestServers

/// A store on a server, whose connections go through a proxy that counts.
package struct ServerCosts: CostSubject {
    package let name: String
    private let proxy: FaultProxy
    private let request: CostRequest
    private let commands: @Sendable (WireCapture) -> [String]
    /// Keeps the server alive.
    private let server: any Sendable

    /// - Parameter commands: The names of the commands in what was carried.
    package init(
        _ name: String,
        server: any Sendable,
        proxy: FaultProxy,
        store: any SessionStore,
        commands: @escaping @Sendable (WireCapture) -> [String]
    ) async throws {
        self.name = name
        self.server = server
        self.proxy = proxy
        self.commands = commands
        request = try CostRequest(store: store)
        // Connections are made, and scripts and plans are known, before anything is counted.
        for kind in CostKind.allCases { try await request.run(kind) { try await $0() } }
    }

    package func cost(of kind: CostKind) async throws -> Cost? {
        var cost = Cost()
        try await request.run(kind) { body in
            let capture = try await proxy.capture(body)
            cost.roundTrips += capture.roundTrips
            cost.commands += commands(capture)
            cost.sentBytes += capture.requestBytes
            cost.receivedBytes += capture.replyBytes
        }
        return cost
    }
}
