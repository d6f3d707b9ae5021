#if Redis
import Sessions

extension RedisClient {
    /// Which servers there are.
    public enum Topology: Sendable, Hashable {
        /// One primary.
        case standalone(RedisAddress)

        /// A primary that Sentinel names: it is asked before each connection is made.
        case sentinel([RedisAddress], primary: String)

        /// A cluster; any of its nodes to begin with.
        case cluster([RedisAddress])
    }

    /// A name and a password.
    public struct Credentials: Sendable, CustomStringConvertible, CustomReflectable {
        /// The user's name; `nil` for the server's default user.
        public var username: String?
        /// The password. It is never printed.
        public var password: String

        /// Creates credentials.
        public init(username: String? = nil, password: String) {
            self.username = username
            self.password = password
        }

        public var description: String { "credentials" }
        public var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// Whether a server on another machine has to prove who it is.
    public enum ServerVerification: Sendable, Hashable {
        /// A connection that leaves the machine is encrypted, and the server shows a certificate that
        /// ``Configuration/tls`` trusts. Anything else is refused.
        case required

        /// Nobody but you can send or read a packet on the way to the servers. Sessions and passwords may cross it in the
        /// clear.
        case trustedNetwork
    }

    /// Which servers a client talks to, and within what bounds.
    public struct Configuration: Sendable {
        /// The servers.
        public var topology: Topology

        /// Who this client is to the servers; by default nobody in particular.
        public var credentials: Credentials?

        /// Who this client is to the sentinels; by default nobody in particular.
        public var sentinelCredentials: Credentials?

        /// The database's number; by default 0. A cluster has no other.
        public var database = 0

        /// How connections are encrypted; by default `nil`, they are not.
        public var tls: RedisTLS?

        /// Whether the sentinels speak TLS too, where ``tls`` is set; by default they do.
        public var sentinelsUseTLS = true

        /// Whether a server on another machine has to prove who it is; by default ``ServerVerification/required``
        /// (checklist ST-10).
        public var serverVerification = ServerVerification.required

        /// How many connections commands share, for each server; from 1 to 64, by default 2.
        ///
        /// Commands of all requests are pipelined over them, so that few are enough. Where writes are confirmed by replicas
        /// (`WAIT`), those have one more connection of their own: a connection waits with them.
        public var connectionCount = 2

        /// How long it may take until a connection is made, TLS and login included; by default 2 seconds.
        public var connectDeadline = Duration.seconds(2)

        /// How long a call takes at most, waiting for a connection or for a failover included; by default 5 seconds.
        ///
        /// After that it throws `timedOut`, or `unavailable` where no connection could be made. When a server has been
        /// away for as long, calls fail at once until it is back.
        public var callDeadline = Duration.seconds(5)

        /// How many calls are under way at most; by default 10 000. The next one throws `unavailable` at once and is not
        /// sent (checklist ST-10).
        public var inFlightLimit = 10_000

        /// How many bytes the commands under way have at most, together; by default 64 MiB. See ``inFlightLimit``.
        public var inFlightByteLimit = 64 << 20

        /// The first pause before a connection that could not be made is tried again; by default 20 milliseconds. It
        /// doubles with each failure up to ``maximumBackoff``, and each pause is random, from half of it to all of it.
        public var minimumBackoff = Duration.milliseconds(20)

        /// The longest pause between two attempts to connect; by default 1 second.
        public var maximumBackoff = Duration.seconds(1)

        /// How long sentinels may take that have not answered when the first has; by default 250 milliseconds.
        var sentinelGrace = Duration.milliseconds(250)

        /// Creates a configuration with every other default.
        public init(_ topology: Topology) {
            self.topology = topology
        }

        /// Refuses what does not make sense.
        func validate() throws {
            let addresses: [RedisAddress]
            switch topology {
            case .standalone(let address): addresses = [address]
            case .sentinel(let sentinels, let primary):
                addresses = sentinels
                try require(!primary.isEmpty, "Sentinel knows a primary by a name. Say which one.")
            case .cluster(let nodes):
                addresses = nodes
                try require(database == 0, "A cluster has one database, number 0. Set database to 0.")
            }
            try require(!addresses.isEmpty, "There is no address to connect to. Give one at least.")
            for case .host(let host, let port) in addresses {
                try require(
                    !host.isEmpty && (1...65_535).contains(port),
                    "An address needs a host and a port from 1 to 65535."
                )
            }
            for case .socket(let path) in addresses {
                try require(!path.isEmpty && path.utf8.count < 104, "A socket's path has from 1 to 103 bytes.")
                try require(tls == nil, "A Unix domain socket is not encrypted. Leave tls out, or give a host.")
            }
            try require((0...65_535).contains(database), "A database's number is not negative. Correct database.")
            try require((1...64).contains(connectionCount), "connectionCount is from 1 to 64.")
            try require(
                inFlightLimit > 0,
                "A client that may have no call under way does nothing. Raise inFlightLimit."
            )
            try require(
                inFlightByteLimit >= 4 << 20,
                "A session may have 1 MB, and several are under way at once. Set inFlightByteLimit to 4 MiB or more."
            )
            let deadlines: [(Duration, String)] = [
                (connectDeadline, "connectDeadline"), (callDeadline, "callDeadline"),
            ]
            for (deadline, name) in deadlines {
                try require(
                    deadline >= .milliseconds(1) && deadline <= .seconds(3600),
                    "\(name) is from a millisecond to an hour."
                )
            }
            try require(
                minimumBackoff >= .milliseconds(1) && minimumBackoff <= maximumBackoff
                    && maximumBackoff <= .seconds(60),
                "minimumBackoff is a millisecond or more, and maximumBackoff at least as long and at most a minute."
            )
        }

        var isCluster: Bool { if case .cluster = topology { true } else { false } }

        /// Refuses to send sessions and passwords over a network in the clear.
        ///
        /// Not a part of ``validate()``: a URL does not say what network it is for.
        func requireProof() throws {
            guard serverVerification == .required else { return }
            let isEncrypted: Bool
            let addresses: [RedisAddress]
            switch topology {
            case .standalone(let address): (isEncrypted, addresses) = (tls != nil, [address])
            case .sentinel(let sentinels, _): (isEncrypted, addresses) = (tls != nil && sentinelsUseTLS, sentinels)
            case .cluster(let nodes): (isEncrypted, addresses) = (tls != nil, nodes)
            }
            try require(
                isEncrypted || addresses.allSatisfy(\.isLocal),
                "Whoever is on the way to the server could read and change every session, and read the password. Use TLS "
                    + "(rediss://…, or tls in the client's configuration). If nobody but you can reach that network, make "
                    + "the store with a RedisClient whose configuration has serverVerification set to .trustedNetwork."
            )
        }

        private func require(_ condition: Bool, _ message: String) throws {
            if !condition { throw SessionConfigurationError(.store, message) }
        }
    }
}
#endif
