/// The managers of one application, each with a cookie of its own.
///
/// An application with more than one manager names them here, when it starts:
///
/// ```swift
/// let managers = try SessionManagers(users, administrators)
/// ```
///
/// Two that would use one cookie are refused then, before the first request is served: each would take the other's
/// credential for a foreign one and overwrite it, and users would be signed out by turns (checklist CF-07). An adapter
/// takes the value in place of a manager, and serves all of them.
///
/// A manager knows nothing of the others in its process: two applications on two hosts may well use one name. Which of
/// them belong together only the application can say.
public struct SessionManagers: Sendable {
    /// The managers, in the order in which they were named. Where only one can be meant, it is the first.
    public let all: [SessionManager]

    /// The managers of one application.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `duplicateManager` if two have a cookie of the same name,
    ///   and a domain and a path that let both travel with one request; or if one is named twice.
    public init(_ first: SessionManager, _ others: SessionManager...) throws(SessionConfigurationError) {
        all = [first] + others
        for (index, manager) in all.enumerated() {
            for earlier in all[..<index] {
                guard let name = earlier.sharedCookie(with: manager) else { continue }
                throw Self.refusal(manager, earlier, name)
            }
            guard manager.bearer == nil || !all[..<index].contains(where: { $0.bearer != nil }) else {
                throw SessionConfigurationError(
                    .duplicateManager,
                    "Two managers have the header transport, and a request has one Authorization field. Leave it to one of "
                        + "them, and set configuration.transport of the other to .cookie."
                )
            }
        }
    }

    /// One manager alone.
    package init(only manager: SessionManager) {
        all = [manager]
    }

    private static func refusal(
        _ manager: SessionManager,
        _ earlier: SessionManager,
        _ name: CookieName
    ) -> SessionConfigurationError {
        guard manager !== earlier else {
            return SessionConfigurationError(
                .duplicateManager,
                "The manager with the cookie \(name) is named twice. Name it once."
            )
        }
        return SessionConfigurationError(
            .duplicateManager,
            "Two managers use the cookie \(name) for the same requests, and each would overwrite the other's. Give one "
                + "of them another configuration.cookie.name or companion, or paths or domains of which neither contains the "
                + "other."
        )
    }
}

extension SessionManager {
    /// The cookies that this manager sets and expires: the companion, and that of a system which it moves sessions from,
    /// included.
    private var cookies: [SetCookieTemplate] { [cookie, companion, moving?.cookie].compactMap(\.self) }

    /// The name of a cookie that both managers would use for the same requests.
    fileprivate func sharedCookie(with other: SessionManager) -> CookieName? {
        cookies.first { own in other.cookies.contains { own.scope.overlaps($0.scope) } }?.name
    }
}
