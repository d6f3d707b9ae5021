#if Redis
#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension RedisAddress {
    /// Whether what is sent there stays on the machine: a socket, or the loopback interface.
    var isLocal: Bool {
        guard case .host(let host, _) = self else { return true }
        if host.lowercased() == "localhost" { return true }
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        var six = in6_addr()
        guard inet_pton(AF_INET6, host, &six) == 1 else { return false }
        return withUnsafeBytes(of: six) { $0.elementsEqual([UInt8](repeating: 0, count: 15) + [1]) }
    }
}
#endif
