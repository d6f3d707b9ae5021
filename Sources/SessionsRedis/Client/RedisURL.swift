#if Redis
import Sessions

extension RedisClient.Configuration {
    /// What a URL says.
    ///
    /// | | |
    /// |---|---|
    /// | `redis://user:password@host:6379/0` | one server; user, password, port and database may be left out |
    /// | `rediss://…` | the same over TLS |
    /// | `redis+unix:///run/redis.sock?db=0` | a Unix domain socket |
    /// | `redis+sentinel://host:26379,host:26379/primary/0` | the primary that Sentinel knows by that name; user and password are the servers', not the sentinels' |
    /// | `redis+cluster://host:6379,host:6379` | a cluster |
    ///
    /// `valkey` may stand for `redis`, and `rediss+sentinel` and `rediss+cluster` are over TLS. User and password are
    /// percent-encoded where they have to be.
    ///
    /// - Throws: `SessionConfigurationError` with code `store`; its text repeats nothing of the URL, which holds a password.
    public init(url: String) throws {
        var text = Substring(url)
        guard let schemeEnd = text.firstRange(of: "://") else { throw Self.refused("it has no ://") }
        let scheme = text[..<schemeEnd.lowerBound].lowercased().replacing("valkey", with: "redis")
        text = text[schemeEnd.upperBound...]
        var query = Substring()
        if let mark = text.firstIndex(of: "?") {
            query = text[text.index(after: mark)...]
            text = text[..<mark]
        }
        guard !text.contains("#") else { throw Self.refused("it has a #; percent-encode one in a password as %23") }
        var path = Substring()
        if let slash = text.firstIndex(of: "/") {
            path = text[text.index(after: slash)...]
            text = text[..<slash]
        }
        let credentials = try Self.credentials(&text)
        var words = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch scheme {
        case "redis", "rediss":
            let hosts = try Self.addresses(text, defaultPort: 6379)
            guard hosts.count == 1, let host = hosts.first else {
                throw Self.refused("it names several hosts; use redis+cluster or redis+sentinel for those")
            }
            self.init(.standalone(host))
        case "redis+unix":
            guard text.isEmpty, let decoded = Self.decoded(path), !decoded.isEmpty else {
                throw Self.refused("a socket's URL is redis+unix:///path")
            }
            self.init(.standalone(.socket(path: "/" + decoded)))
            words = []
        case "redis+sentinel", "rediss+sentinel":
            guard let name = words.first.flatMap({ Self.decoded($0[...]) }), !name.isEmpty else {
                throw Self.refused("after the sentinels comes the primary's name: redis+sentinel://host,host/name")
            }
            self.init(.sentinel(try Self.addresses(text, defaultPort: 26_379), primary: name))
            words.removeFirst()
        case "redis+cluster", "rediss+cluster":
            self.init(.cluster(try Self.addresses(text, defaultPort: 6379)))
        default:
            throw Self.refused("its scheme is unknown; use redis, rediss, redis+unix, redis+sentinel or redis+cluster")
        }
        self.credentials = credentials
        if scheme.hasPrefix("rediss") { tls = RedisTLS() }
        if words.last == "" { words.removeLast() }
        if let word = words.first {
            guard words.count == 1 else { throw Self.refused("its path has too many parts") }
            database = try Self.database(word)
        }
        for item in query.split(separator: "&") {
            guard item.hasPrefix("db=") else { throw Self.refused("of a query only db=… is known") }
            database = try Self.database(item.dropFirst(3))
        }
        try validate()
    }

    private static func refused(_ reason: String) -> SessionConfigurationError {
        SessionConfigurationError(.store, "This is no URL of a Redis server: \(reason).")
    }

    private static func database(_ text: some StringProtocol) throws -> Int {
        guard let number = Int(text), number >= 0, text.utf8.first != UInt8(ascii: "+") else {
            throw refused("its database is no number")
        }
        return number
    }

    /// Takes user and password from the front of `text`.
    private static func credentials(_ text: inout Substring) throws -> RedisClient.Credentials? {
        guard let at = text.lastIndex(of: "@") else { return nil }
        let words = text[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        text = text[text.index(after: at)...]
        guard words.count == 2, let user = decoded(words[0]),
            let password = decoded(words[1]), !password.isEmpty
        else { throw refused("in front of the @ stands user:password, or :password") }
        return RedisClient.Credentials(username: user.isEmpty ? nil : user, password: password)
    }

    private static func addresses(_ text: Substring, defaultPort: Int) throws -> [RedisAddress] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            var (host, port) = (word, defaultPort)
            let bracket = word.lastIndex(of: "]")
            if let colon = word.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
                guard let number = Int(word[word.index(after: colon)...]) else { throw refused("a port is no number") }
                (host, port) = (word[..<colon], number)
            }
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard !host.isEmpty, (1...65_535).contains(port) else {
                throw refused("a host is empty, or a port is not from 1 to 65535")
            }
            return .host(String(host), port: port)
        }
    }

    /// The text without percent-encoding; `nil` if that is malformed.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
#endif
