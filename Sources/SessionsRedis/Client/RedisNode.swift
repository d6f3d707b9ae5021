#if Redis
import NIOCore
import Sessions
import Synchronization

/// One server, and the connections to it.
final class RedisNode: Sendable {
    let address: RedisAddress?
    private let lanes: [RedisLane]
    /// For writes that wait for replicas: their connection waits with them.
    private let confirming: RedisLane
    private let turn = Atomic(0)

    init(address: RedisAddress?, count: Int, makeLane: () -> RedisLane) {
        self.address = address
        lanes = (0..<count).map { _ in makeLane() }
        confirming = makeLane()
        let sign = SignOfLife()
        for lane in lanes + [confirming] { lane.share(sign) }
    }

    func lane(confirming isConfirming: Bool) -> RedisLane {
        if isConfirming { return confirming }
        if lanes.count == 1 { return lanes[0] }
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return lanes[Int(UInt(bitPattern: turn) % UInt(lanes.count))]
    }

    /// Makes every connection anew: the server is not what it was.
    func retire() {
        for lane in lanes + [confirming] { lane.retire() }
    }

    func close() {
        for lane in lanes + [confirming] { lane.close() }
    }
}
#endif
