/// The connection that a request came on, as the server sees it: what adapters tell a ``SessionManager``.
public struct RequestConnection: Sendable, Hashable {
    /// Whether the connection itself is encrypted. What a proxy says of the client's is ``TrustedProxies``' affair.
    public var isEncrypted: Bool

    /// The IP address of the other end, without a port; `nil` if it has none, as on a Unix domain socket.
    public var peerAddress: String?

    /// Creates a connection.
    public init(isEncrypted: Bool, peerAddress: String? = nil) {
        self.isEncrypted = isEncrypted
        self.peerAddress = peerAddress
    }
}
