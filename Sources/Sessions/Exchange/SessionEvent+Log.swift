import Logging

extension SessionEvent.Kind {
    /// How loud the event is: what may be an attack or costs a user something is a warning, daily life is not.
    var logLevel: Logger.Level {
        switch self {
        case .began, .destroyed, .restarted, .rotated, .moved: .debug
        case .loggedIn, .revoked, .revokedAll, .displaced: .info
        case .suspicious(let arrival):
            switch arrival {
            case .gone, .expired, .justSuperseded, .noCookie, .found, .foundInGrace: .debug
            case .malformed, .unverifiable: .info
            case .superseded, .duplicate, .unreadable: .warning
            }
        case .loginRefused, .changesDiscarded, .cookieWithheld, .uncommitted, .undecodable: .warning
        case .lateChangeLost, .storeFailed: .error
        }
    }

    /// The event in words.
    var logMessage: String {
        switch self {
        case .began: "session began"
        case .loggedIn: "session logged in"
        case .destroyed: "session destroyed"
        case .restarted: "session restarted"
        case .rotated: "session credential rotated"
        case .moved: "session moved from another system's format"
        case .revoked: "session revoked"
        case .revokedAll(let count): "all sessions of an owner revoked, \(count) deleted"
        case .displaced: "session ended: its owner logged in once more than allowed"
        case .loginRefused: "login refused: the owner's sessions were revoked, or too many logins came at once"
        case .suspicious(let arrival): "session cookie not accepted: \(arrival.rawValue)"
        case .undecodable(let name): "session value set aside, it does not decode: \(Self.printable(name))"
        case .lateChangeLost: "session changed after its commit, and not saved: the change is lost; call save()"
        case .changesDiscarded: "session changes dropped: it ended meanwhile"
        case .uncommitted: "session changes dropped: the application commits by itself, and nobody called save()"
        case .cookieWithheld:
            "session cookie withheld, and nothing stored that needs it: it is Secure, and the client's connection is not; "
                + "check configuration.proxies"
        case .storeFailed: "session store failed"
        }
    }

    /// What the event's lines are counted as, if a client or a dead store can bring about as many as it likes; `nil`
    /// where each costs work that was authenticated.
    var floodName: String? {
        switch self {
        case .suspicious(let arrival): arrival.rawValue
        case .undecodable: "undecodable"
        case .cookieWithheld: "cookieWithheld"
        case .storeFailed: "storeFailed"
        default: nil
        }
    }

    /// A name with everything but letters, digits and a few signs replaced, so that a log line stays a line (LG-03).
    private static func printable(_ name: String) -> String {
        String(
            decoding: name.utf8.prefix(64).map { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: byte
                default: UInt8(ascii: "?")
                }
            },
            as: UTF8.self
        )
    }
}
