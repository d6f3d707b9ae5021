#if Redis
/// Where a server listens.
public enum RedisAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host's name or IP address, and a port.
    case host(String, port: Int)

    /// The path of a Unix domain socket.
    case socket(path: String)

    public var description: String {
        switch self {
        case .host(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .socket(let path): path
        }
    }
}
#endif
