#if Redis
import Sessions
import SessionsRedisCodec
import Synchronization

/// Which of a cluster's nodes has which slot.
///
/// The map is asked for before the first command, when a node says that a slot has moved, and when one cannot be reached:
/// once for all who want it at that moment, of several nodes at the same time.
final class ClusterRouter: RedisRouter {
    private struct State {
        var nodes: [RedisAddress: RedisNode] = [:]
        var primaries: [RedisAddress] = []
        var owners: [RedisAddress?] = []
        var generation = 0
        /// When the map was asked for last.
        var askedAt: ContinuousClock.Instant?
        var refresh: Task<SessionStoreError?, Never>?
        var isClosed = false
    }

    private let seeds: [RedisAddress]
    private let deadline: Duration
    private let makeNode: @Sendable (RedisAddress) -> RedisNode
    private let state = Mutex(State())

    init(seeds: [RedisAddress], deadline: Duration, makeNode: @escaping @Sendable (RedisAddress) -> RedisNode) {
        self.seeds = seeds
        self.deadline = deadline
        self.makeNode = makeNode
    }

    func node(for slot: Int?) async throws -> (node: RedisNode, generation: Int) {
        if let found = known(slot) { return found }
        let error = await refresh(after: state.withLock { $0.generation })
        if let found = known(slot) { return found }
        throw LaneFailure(error: error ?? Self.uncovered, isFinal: false)
    }

    func known(_ slot: Int?) -> (node: RedisNode, generation: Int)? {
        state.withLock { state in
            guard !state.owners.isEmpty else { return nil }
            let address = slot.map { state.owners[$0] } ?? state.primaries.randomElement()
            guard let address else { return nil }
            return (node(at: address, &state), state.generation)
        }
    }

    func node(at address: RedisAddress) -> RedisNode? {
        state.withLock { node(at: address, &$0) }
    }

    private func node(at address: RedisAddress, _ state: inout State) -> RedisNode {
        if let node = state.nodes[address] { return node }
        let node = makeNode(address)
        state.nodes[address] = node
        if state.isClosed { node.close() }
        return node
    }

    func moved(_ slot: Int, to address: RedisAddress) {
        let (generation, isRecent) = state.withLock { state in
            if !state.owners.isEmpty { state.owners[slot] = address }
            return (state.generation, Self.isRecent(state))
        }
        // Where one slot has moved, others have or will.
        if !isRecent { Task { await self.refresh(after: generation) } }
    }

    func doubt(_ generation: Int) async {
        if state.withLock({ Self.isRecent($0) }) { return }
        await refresh(after: generation)
    }

    /// Whether the map is too young to be asked for again, whatever happened: while slots move, every answer may say that
    /// one has, and each says where to.
    private static func isRecent(_ state: State) -> Bool {
        guard !state.owners.isEmpty, let askedAt = state.askedAt else { return false }
        return .now - askedAt < .milliseconds(100)
    }

    func primaries() async throws -> [RedisNode] {
        if let error = await refresh(after: state.withLock { $0.generation }) { throw error }
        return state.withLock { state in state.primaries.map { node(at: $0, &state) } }
    }

    func close() {
        let nodes = state.withLock { state in
            state.isClosed = true
            return Array(state.nodes.values)
        }
        for node in nodes { node.close() }
    }

    // MARK: The map

    /// Asks for the map, unless somebody has since `generation`.
    ///
    /// - Returns: why that was not possible.
    @discardableResult
    private func refresh(after generation: Int) async -> SessionStoreError? {
        let task: Task<SessionStoreError?, Never>? = state.withLock { state in
            if state.generation != generation { return nil }
            if let refresh = state.refresh { return refresh }
            let task = Task { await self.ask() }
            state.refresh = task
            return task
        }
        return await task?.value
    }

    private func ask() async -> SessionStoreError? {
        let candidates = state.withLock { state in
            (state.primaries.shuffled() + seeds + state.nodes.keys).uniqued().map { node(at: $0, &state) }
        }
        // A few at a time, so that one that does not answer holds nobody up.
        let answer = await Race.first(of: candidates.count, atOnce: 3) { await self.ask(candidates[$0]) }
        let unused = state.withLock { state -> [RedisNode] in
            state.refresh = nil
            state.askedAt = .now
            guard case .success(let ranges) = answer else { return [] }
            return take(ranges, &state)
        }
        for node in unused { node.abandon() }
        guard case .failure(let error) = answer else { return nil }
        return error
    }

    /// Makes what a node said what is known; returns the nodes that are no longer part of it.
    private func take(_ ranges: [ClusterRange], _ state: inout State) -> [RedisNode] {
        state.generation += 1
        state.owners = Array(repeating: nil, count: HashSlot.count)
        for range in ranges {
            for slot in range.slots { state.owners[slot] = range.primary }
        }
        state.primaries = ranges.map(\.primary).uniqued()
        let kept = Set(state.primaries + ranges.flatMap(\.replicas) + seeds)
        let unused = state.nodes.filter { !kept.contains($0.key) }
        for address in unused.keys { state.nodes[address] = nil }
        // Known by name, so that any of them can be asked when the primaries are away.
        for address in kept { _ = node(at: address, &state) }
        return Array(unused.values)
    }

    private func ask(_ node: RedisNode) async -> Result<[ClusterRange], SessionStoreError> {
        do {
            let connection = try await node.lane(confirming: false).lane.connection()
            let words = ["CLUSTER", "SLOTS"].map { Array($0.utf8) }
            let answer = try await connection.send(words, before: .now + deadline)
            if case .error(let error) = answer { return .failure(RedisRefusal(error).error(at: node.address)) }
            guard let ranges = ClusterRange.all(in: answer, askedOf: node.address) else {
                return .failure(Self.uncovered)
            }
            return .success(ranges)
        } catch let failure as ConnectionFailure {
            return .failure(failure.error)
        } catch let failure as LaneFailure {
            return .failure(failure.error)
        } catch {
            return .failure(Self.uncovered)
        }
    }

    private static var uncovered: SessionStoreError {
        SessionStoreError(
            .unavailable,
            "No node of the cluster says who has this key's slot. Look at `CLUSTER INFO` on the nodes."
        )
    }
}

/// Some slots in a row, and who has them.
struct ClusterRange: Equatable {
    let slots: ClosedRange<Int>
    let primary: RedisAddress
    let replicas: [RedisAddress]

    /// The answer to `CLUSTER SLOTS`; `nil` if it is none, or says nothing.
    static func all(in answer: RedisValue, askedOf address: RedisAddress?) -> [ClusterRange]? {
        guard case .array(let items) = answer, !items.isEmpty else { return nil }
        var ranges: [ClusterRange] = []
        for item in items {
            guard case .array(let parts) = item, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], first >= 0, first <= last, last < HashSlot.count,
                case .array(let node) = parts[2], node.count >= 2
            else { return nil }
            // A node that nobody can name serves nobody: its slots have no owner yet.
            if node[0] == .text("?") { continue }
            guard let primary = Self.address(parts[2], askedOf: address) else { return nil }
            let replicas = parts.dropFirst(3).compactMap { Self.address($0, askedOf: address) }
            ranges.append(ClusterRange(slots: Int(first)...Int(last), primary: primary, replicas: replicas))
        }
        return ranges.isEmpty ? nil : ranges
    }

    /// A node without a host is the one that was asked.
    private static func address(_ value: RedisValue, askedOf address: RedisAddress?) -> RedisAddress? {
        guard case .array(let parts) = value, parts.count >= 2, case .integer(let port) = parts[1],
            (1...65_535).contains(port)
        else { return nil }
        if parts[0] == .text("?") { return nil }
        if case .bytes(let host) = parts[0], !host.isEmpty {
            return .host(String(decoding: host, as: UTF8.self), port: Int(port))
        }
        guard case .host(let host, _)? = address else { return nil }
        return .host(host, port: Int(port))
    }
}

extension Sequence where Element: Hashable {
    /// Each element once, in the order of its first appearance.
    fileprivate func uniqued() -> [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
#endif
