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

    /// The lane whose turn it is, and its connection if that is there; another one whose connection is, if that is not.
    func lane(confirming isConfirming: Bool) -> (lane: RedisLane, ready: RedisConnection?) {
        if isConfirming { return (confirming, confirming.ready()) }
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let first = Int(UInt(bitPattern: turn) % UInt(lanes.count))
        for offset in lanes.indices {
            let lane = lanes[(first + offset) % lanes.count]
            guard let ready = lane.ready() else { continue }
            // The one that is not there is made, and nobody waits for it.
            if offset > 0 { lanes[first].prepare() }
            return (lane, ready)
        }
        return (lanes[first], nil)
    }

    /// Makes every connection anew: the server is not what it was.
    func retire() {
        for lane in lanes + [confirming] { lane.retire() }
    }

    /// Makes those connections anew that lead to another server: this one is the primary now.
    func retire(allBut address: RedisAddress) {
        for lane in lanes + [confirming] { lane.retire(unlessAt: address) }
    }

    /// Ends when what is under way has been answered, and connects no more: nobody will close it.
    func abandon() {
        for lane in lanes + [confirming] { lane.abandon() }
    }

    func close() {
        for lane in lanes + [confirming] { lane.close() }
    }
}
#endif
