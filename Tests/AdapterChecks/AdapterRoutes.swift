import HTTPTypes
import Sessions

/// The application that the checks run against.
package struct AdapterRoutes: Sendable {
    let admins: SessionManager
    let csrf: CSRFPolicy

    /// What an application throws that knows nothing of sessions.
    struct Broken: Error {}

    static let ownCookies = [
        "theme=dark; Path=/",
        "basket=7; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/shop; Partitioned; Secure; Priority=High",
        "__Host-Http-sid2=not-ours; Path=/; Secure",
        "theme=dark; Path=/old",
    ]

    /// Answers a request.
    package func answer(_ request: AdapterRequest) async throws -> AdapterResponse {
        let words = request.path.split(separator: "/").map(String.init)
        switch (request.method, words.first ?? "", words.dropFirst().first ?? "") {
        case (.get, "static", _):
            return AdapterResponse(
                "always the same",
                fields: [.cacheControl: "public, max-age=3600", .vary: "Accept-Encoding", .setCookie: "theme=dark"]
            )
        case (_, "broken", _):
            throw Broken()
        case (.get, "visits", _):
            let session = try await request.session()
            return AdapterResponse(session.isNew ? "new" : "\(session[.visits])")
        case (.get, "optional", let what):
            let session = try? await request.session()
            if what == "throw" { throw Broken() }
            return AdapterResponse(session.map { "\($0[.visits])" } ?? "without")
        case (.post, "visits", _), (.head, "visits", _):
            let session = try await request.session()
            session.update(.visits) { $0 += 1 }
            return AdapterResponse("\(session[.visits])\(request.body)")
        case (.post, "login", let owner):
            try await request.session().logIn(owner, keeping: .all)
            return AdapterResponse()
        case (.get, "owner", _):
            return AdapterResponse(try await request.session().requireOwner())
        case (.post, "admin", let owner):
            try await request.sessionOf(admins).logIn(owner)
            return AdapterResponse()
        case (_, "guarded", let what):
            return try await guarded(request, by: what == "admin" || what == "desk" ? admins : nil)
        case (.get, "form", _):
            return AdapterResponse(try await request.session().csrfToken)
        case (.post, "form", let how):
            return try await form(request, isGuarded: how == "guarded")
        case (.post, "logout", _):
            try await request.session().logOut()
            return AdapterResponse()
        case (.post, "own", _):
            return try await own(request.session())
        case (.post, "both", _):
            let (user, admin) = (try await request.session(), try await request.sessionOf(admins))
            user.update(.visits) { $0 += 1 }
            admin.update(.visits) { $0 += 10 }
            return AdapterResponse("\(user[.visits]) \(admin[.visits])")
        case (.get, "not-modified", _):
            try await request.session().update(.visits) { $0 += 1 }
            return AdapterResponse(status: .notModified, fields: [.eTag: "\"1\""])
        case (.post, "throw", let what):
            try await change(request.session(), what)
            throw Broken()
        case (.get, "stream", let what):
            return stream(try await request.session(), what)
        default:
            return AdapterResponse(status: .notFound)
        }
    }

    /// Behind a guard; see ``ownerGuard(of:)``.
    private func guarded(_ request: AdapterRequest, by admins: SessionManager?) async throws -> AdapterResponse {
        let session = if let admins { try await request.sessionOf(admins) } else { try await request.session() }
        if request.method == .post { session.update(.visits) { $0 += 1 } }
        return AdapterResponse(session.owner ?? "nobody")
    }

    private func own(_ session: Session) async throws -> AdapterResponse {
        session.set(.name, to: "somebody")
        try await session.save()
        session.rotate(grace: .zero)
        try await session.save()
        session.destroy()
        var response = AdapterResponse(fields: [.cacheControl: "public", .vary: "Accept"])
        for cookie in Self.ownCookies { response.fields.append(HTTPField(name: .setCookie, value: cookie)) }
        return response
    }

    private func change(_ session: Session, _ what: String) async throws {
        switch what {
        case "login": session.logIn("ann", keeping: .all)
        case "rotate": session.rotate(grace: .zero)
        case "destroy": session.destroy()
        case "save":
            session.update(.visits) { $0 += 1 }
            try await session.save()
        default: session.update(.visits) { $0 += 1 }
        }
    }

    /// Changes the session after the response's head is sent.
    private func stream(_ session: Session, _ what: String) -> AdapterResponse {
        AdapterResponse("after the head: ") {
            switch what {
            case "begin": session.set(.name, to: "somebody")
            case "login": session.logIn("ann")
            case "destroy": session.destroy()
            default: session.update(.visits) { $0 += 1 }
            }
            do {
                try await session.save()
                return "saved"
            } catch let error as SessionError {
                return error.code.description
            }
        }
    }
}

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
}

extension SessionKey<String?> {
    static var name: Self { Self("name") }
}
