#if Redis
import Sessions
import SessionsRedisCodec

/// What a server's refusal means, by its name.
///
/// Refused means not done: the one thing that all of them have in common.
enum RedisRefusal: Sendable, Equatable {
    /// The script is not in the server's cache.
    case unknownScript
    /// Another node has the key's slot.
    case moved(slot: Int, RedisAddress)
    /// Another node has this key already, while its slot is on its way.
    case ask(RedisAddress)
    /// It passes by itself: the server reads its file, a cluster elects, a script runs.
    case passing(Passing)
    /// This is no primary, or no longer.
    case notPrimary
    /// The login, or the rights of the user.
    case notPermitted
    case outOfMemory
    case cannotPersist
    case tooFewReplicas
    case wrongType
    case tooManyClients
    case unknownCommand
    case crossSlot
    case other(String)

    enum Passing: String, Sendable {
        case loading = "LOADING"
        case clusterDown = "CLUSTERDOWN"
        case tryAgain = "TRYAGAIN"
        case busy = "BUSY"
        case masterDown = "MASTERDOWN"
    }

    init(_ error: RedisServerError, atLogin: Bool = false) {
        if atLogin, error.code == "ERR" {
            self = .notPermitted
            return
        }
        self = Self.named(error) ?? Self.unnamed(error)
    }

    private static func named(_ error: RedisServerError) -> RedisRefusal? {
        switch error.code {
        case "NOSCRIPT": .unknownScript
        case "MOVED": redirect(error).map { $0.isKnown ? .moved(slot: $0.slot, $0.address) : .passing(.tryAgain) }
        case "ASK": redirect(error).map { $0.isKnown ? .ask($0.address) : .passing(.tryAgain) }
        case "LOADING": .passing(.loading)
        case "CLUSTERDOWN": .passing(.clusterDown)
        case "TRYAGAIN": .passing(.tryAgain)
        case "BUSY", "UNKILLABLE": .passing(.busy)
        case "MASTERDOWN": .passing(.masterDown)
        case "READONLY": .notPrimary
        case "NOAUTH", "WRONGPASS", "NOPERM", "DENIED": .notPermitted
        case "OOM": .outOfMemory
        case "MISCONF": .cannotPersist
        case "NOREPLICAS": .tooFewReplicas
        case "WRONGTYPE": .wrongType
        case "CROSSSLOT": .crossSlot
        default: nil
        }
    }

    /// Servers before 7 put a script's error into a sentence of their own; others have no name at all.
    private static func unnamed(_ error: RedisServerError) -> RedisRefusal {
        let text = error.message
        for code in ["READONLY", "OOM", "MISCONF", "NOREPLICAS", "WRONGTYPE", "NOPERM"]
        where text.hasPrefix("ERR Error running script") && text.contains("-\(code) ") {
            return named(RedisServerError("\(code) ")) ?? .other(code)
        }
        if text.hasPrefix("ERR max number of clients") { return .tooManyClients }
        if text.hasPrefix("ERR unknown command") || text.hasPrefix("ERR This instance has cluster support disabled") {
            return .unknownCommand
        }
        return .other(error.code)
    }

    /// `MOVED 3999 host:port`; without a host it is the one that was asked, which the caller knows. With `?` for a host the
    /// cluster does not know it yet.
    private static func redirect(_ error: RedisServerError) -> (slot: Int, address: RedisAddress, isKnown: Bool)? {
        let words = error.message.split(separator: " ")
        guard words.count >= 3, let slot = Int(words[1]), (0..<HashSlot.count).contains(slot),
            let colon = words[2].lastIndex(of: ":"), let port = Int(words[2][words[2].index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        let host = String(words[2][..<colon])
        return (slot, .host(host, port: port), host != "?")
    }

    /// The refusal as the store's caller hears it.
    func error(at address: RedisAddress? = nil) -> SessionStoreError {
        let place = address.map { "Redis at \($0)" } ?? "Redis"
        return switch self {
        case .notPermitted:
            SessionStoreError(
                .notPermitted,
                "\(place) refuses this user (NOAUTH, WRONGPASS or NOPERM). Correct the credentials, or give the user the "
                    + "commands and keys that the store's documentation lists."
            )
        case .outOfMemory:
            SessionStoreError(
                .full,
                "\(place) has reached its maxmemory (OOM). Raise it, or find what fills it. With a policy that evicts, it "
                    + "would end sessions instead of saying so."
            )
        case .cannotPersist:
            SessionStoreError(
                .unavailable,
                "\(place) takes no writes because it cannot save to its disk (MISCONF). Look at the disk and the server's log."
            )
        case .tooFewReplicas:
            SessionStoreError(
                .unavailable,
                "\(place) takes no writes because too few replicas are there (NOREPLICAS, min-replicas-to-write)."
            )
        case .notPrimary:
            SessionStoreError(
                .unavailable,
                "\(place) is a replica (READONLY). Give the primary's address, or let Sentinel or the cluster name it."
            )
        case .passing(.busy):
            SessionStoreError(.locked, "\(place) is held up by a slow script (BUSY). Look for who runs it.")
        case .passing(.loading):
            SessionStoreError(.unavailable, "\(place) has started and reads its file (LOADING). It will be there soon.")
        case .passing(let passing):
            SessionStoreError(
                .unavailable,
                "\(place) cannot serve its keys at the moment (\(passing.rawValue)). Look at the cluster's state."
            )
        case .moved, .ask, .crossSlot:
            SessionStoreError(
                .unusable,
                "\(place) is a node of a cluster (MOVED, ASK or CROSSSLOT). Use a client for a cluster: redis+cluster://…"
            )
        case .wrongType:
            SessionStoreError(
                .unusable,
                "\(place) has something else at a key of the store (WRONGTYPE). Give the sessions a keyPrefix of their own."
            )
        case .tooManyClients:
            SessionStoreError(.unavailable, "\(place) has too many connections. Raise its maxclients, or have fewer.")
        case .unknownCommand:
            SessionStoreError(
                .unusable,
                "\(place) lacks a command that the store needs. Use Redis 6.2 or later, or Valkey, and rename none of "
                    + "the commands that the store's documentation lists."
            )
        case .unknownScript:
            SessionStoreError(.unavailable, "\(place) does not keep scripts (NOSCRIPT after EVAL).")
        case .other(let code):
            SessionStoreError(.unavailable, "\(place) answered with an error (\(code)). Look at the server's log.")
        }
    }
}
#endif
