#if Redis
import Sessions

/// Knows which server a command goes to.
protocol RedisRouter: Sendable {
    /// The node for a slot, or any if there is none; and how new what is known is. `nil` if that has to be asked.
    func known(_ slot: Int?) -> (node: RedisNode, generation: Int)?

    /// The same, asked if need be.
    func node(for slot: Int?) async throws -> (node: RedisNode, generation: Int)

    /// The node at an address that a server has named; `nil` where there is but one server.
    func node(at address: RedisAddress) -> RedisNode?

    /// A server says who has a slot now.
    func moved(_ slot: Int, to address: RedisAddress)

    /// What was known in `generation` has turned out wrong, or may have: finds out anew.
    func doubt(_ generation: Int) async

    /// The nodes that hold keys.
    func primaries() async throws -> [RedisNode]

    func close()
}

/// One server, or one that Sentinel names.
struct SingleRouter: RedisRouter {
    let node: RedisNode

    func known(_ slot: Int?) -> (node: RedisNode, generation: Int)? { (node, 0) }

    func node(for slot: Int?) async throws -> (node: RedisNode, generation: Int) { (node, 0) }

    func node(at address: RedisAddress) -> RedisNode? { nil }

    func moved(_ slot: Int, to address: RedisAddress) {}

    func doubt(_ generation: Int) async {}

    func primaries() async throws -> [RedisNode] { [node] }

    func close() { node.close() }
}
#endif
