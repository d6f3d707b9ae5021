/// When a request that changes nothing lets a session begin its time anew.
public enum KoaRenewal: Sendable, Hashable {
    /// When half of `maxAge` has passed since the last time: koa-session's `renew: true`.
    case halfway
    /// When this much time has passed since the last time: Compas's `renew` with a number of seconds.
    case each(Duration)
    /// Never: koa-session's `renew: false`. The session ends `maxAge` after it was last changed.
    case never
}

extension SessionConfiguration {
    /// The configuration of a service that shares its sessions with koa-session.
    ///
    /// - Parameters:
    ///   - name: koa-session's `key`, the name of the cookie. Default `koa.sess`. The signature is in `<name>.sig`.
    ///   - maxAge: koa-session's `maxAge`, for which a session lives on after each renewal, its cookie with it. Default a
    ///     day; `nil` for `'session'`: a cookie that ends with the browser, whose session lives for 30 minutes, as Compas's
    ///     store keeps it.
    ///   - renewal: koa-session's `renew`. Default ``KoaRenewal/halfway``.
    public static func koa(
        name: String = "koa.sess",
        maxAge: Duration? = .seconds(86_400),
        renewal: KoaRenewal = .halfway
    ) -> SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.cookie.name = name
        configuration.cookie.persistence = maxAge == nil ? .browserSession : .persistent
        // Node sends the cookie with every renewal, good for `maxAge` from then on.
        configuration.rolling = maxAge != nil
        let idle = maxAge ?? .seconds(30 * 60)
        // Node knows no absolute time. A session must end all the same.
        configuration.lifetime = SessionLifetime(
            idle: idle,
            absolute: min(max(idle, .seconds(30 * 86_400)), .seconds(400 * 86_400))
        )
        configuration.anonymousLifetime = configuration.lifetime
        configuration.renewalInterval =
            switch renewal {
            case .halfway: idle / 2
            case .each(let interval): interval
            // The longest that is shorter than the idle time: a request after it finds no session.
            case .never: max(idle - .microseconds(1), .zero)
            }
        return configuration
    }
}
