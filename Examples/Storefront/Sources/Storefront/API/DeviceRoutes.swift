import Hummingbird
import Sessions
import SessionsHummingbird

/// The API on all sessions of the request's owner. Without an owner, 401.
struct DeviceRoutes: Sendable {
    let sessions: SessionManager

    func add(to routes: RouterGroup<ShopContext>) {
        let owned = routes.group("sessions").add(middleware: OwnerGuard())
        owned.get(use: list)
        owned.delete(use: endAll)
        owned.delete("{handle}", use: end)
    }

    @Sendable private func list(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        let summaries = try await session.listSessions()
        return ["sessions": .array(summaries.map { describe($0, current: session.handle) })]
    }

    @Sendable private func end(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        let handle = context.parameters.get("handle").flatMap(SessionHandle.init)
        guard let handle, try await session.revokeSession(handle) else {
            throw HTTPError(.notFound, message: "You have no session with this handle.")
        }
        return ["ended": 1]
    }

    @Sendable private func endAll(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        switch request.uri.queryParameters["keep"] {
        case "current": return ["ended": .integer(Int64(try await session.revokeOthers()))]
        case nil:
            let ended = try await sessions.revokeAll(of: try session.requireOwner())
            session.logOut()
            return ["ended": .integer(Int64(ended))]
        default: throw HTTPError(.badRequest, message: "keep is current, or is not there.")
        }
    }

    private func describe(_ summary: SessionSummary, current: SessionHandle) -> JSON {
        [
            "handle": .string(summary.handle.description),
            "device": .string(summary[.device]),
            "current": .bool(summary.handle == current),
            "createdAt": .string(Moment(summary.createdAt).iso),
            "authenticatedAt": .text(summary.authenticatedAt.map { Moment($0).iso }),
            "lastSeenAt": .string(Moment(summary.lastSeenAt).iso),
            "expiresAt": .string(Moment(summary.expiresAt).iso),
        ]
    }
}
