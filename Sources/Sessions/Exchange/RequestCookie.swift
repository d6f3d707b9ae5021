/// The settings of one exchange's cookie, worked out once.
final class RequestCookie: Sendable {
    let template: SetCookieTemplate
    /// The manager's format, with the cookie's attributes as they are here.
    let format: any WireFormat
    let persistence: SessionCookie.Persistence
    /// Whether the client will keep the cookie that this response sets, as far as can be told.
    let travels: Bool
    /// Whether the request lies below the cookie's path.
    let isWithinPath: Bool

    init(
        template: SetCookieTemplate,
        format: any WireFormat,
        persistence: SessionCookie.Persistence,
        travels: Bool,
        isWithinPath: Bool
    ) {
        self.template = template
        self.format = format
        self.persistence = persistence
        self.travels = travels
        self.isWithinPath = isWithinPath
    }
}
