package import Sessions

/// What a subject puts around a route: its adapter's guard for owners, with these settings.
package struct AdapterGuard: Sendable {
    /// Where the guard redirects; `nil` for a 401.
    package var location: String?
    /// The manager whose session counts; `nil` for the adapter's own choice.
    package var sessions: SessionManager?
    /// How old the login may be.
    package var age: Duration?
}

extension AdapterRoutes {
    /// The guard that stands around the route of `path`, if one does.
    package func ownerGuard(of path: String) -> AdapterGuard? {
        switch path {
        case "/guarded/api": AdapterGuard()
        case "/guarded/page": AdapterGuard(location: "/signin")
        case "/guarded/fresh": AdapterGuard(age: Self.age)
        case "/guarded/confirm": AdapterGuard(location: "/confirm", age: Self.age)
        case "/guarded/admin": AdapterGuard(sessions: admins)
        case "/guarded/desk": AdapterGuard(location: "/staff", sessions: admins)
        default: nil
        }
    }

    /// What stands around the route of `path` for its forms, if anything does.
    package func tokenGuard(of path: String) -> CSRFPolicy? { path == "/form/guarded" ? csrf : nil }

    /// How old a login may be on the routes that ask.
    static let age = Duration.seconds(300)
}
