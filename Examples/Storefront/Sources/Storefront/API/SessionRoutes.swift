import Hummingbird
import Sessions
import SessionsHummingbird

/// The API on the request's own session.
struct SessionRoutes: Sendable {
    let accounts: Accounts

    func add(to routes: RouterGroup<ShopContext>) {
        routes.get("untouched") { _, _ in PlainRoutes.answer }
        routes.get("session", use: read)
        routes.post("counter", use: count)
        routes.put("values/{key}", use: setValue)
        routes.post("consume/{key}", use: consume)
        routes.post("login", use: logIn)
        routes.post("logout") { _, context in
            try await context.session.logOut()
            return PlainRoutes.answer
        }
        routes.post("rotate", use: rotate)
        routes.post("restart") { _, context in
            try await context.session.restart()
            return PlainRoutes.answer
        }
        routes.post("destroy") { _, context in
            try await context.session.destroy()
            return PlainRoutes.answer
        }
        routes.post("slow", use: countSlowly)
        routes.post("fail", use: fail)
    }

    @Sendable private func read(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        let prefix = SessionKey<JSON>.valuePrefix
        let keys = session.names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        return [
            "id": .string(session.id),
            "handle": .string(session.handle.description),
            "isNew": .bool(session.isNew),
            "owner": .text(session.owner),
            "createdAt": .string(Moment(session.createdAt).iso),
            "lastSeenAt": .string(Moment(session.lastSeenAt).iso),
            "idleDeadline": .string(Moment(session.idleDeadline).iso),
            "absoluteDeadline": .string(Moment(session.absoluteDeadline).iso),
            "counter": .integer(Int64(session[.counter])),
            "values": .object(Dictionary(keys.map { ($0, session[.value($0)]) }) { first, _ in first }),
        ]
    }

    /// The answer is what this request's own write made of the counter, so no two answers are alike.
    @Sendable private func count(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        session.update(.counter) { $0 += 1 }
        try await session.save()
        return ["counter": .integer(Int64(session[.counter]))]
    }

    @Sendable private func setValue(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let key = try context.valueKey()
        let body = try await request.body(Value.self, context)
        try await context.session.set(.value(key), to: body.value)
        return ["value": body.value]
    }

    @Sendable private func consume(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let value = try await context.session.consume(.value(try context.valueKey()))
        return ["value": value ?? .null]
    }

    @Sendable private func logIn(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let body = try await request.body(Credentials.self, context)
        guard let account = try await accounts.authenticate(body.username, body.password) else {
            throw HTTPError(.unauthorized, message: "That name and password do not go together.")
        }
        try await context.session.signIn(account, from: request)
        return ["owner": .string(account.username)]
    }

    @Sendable private func rotate(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let grace = try request.number("grace", 0...60).map { Duration.seconds($0) }
        try await context.session.rotate(grace: grace)
        return PlainRoutes.answer
    }

    /// Loads, waits, and only then changes the session: what happened to it meanwhile must not be lost.
    @Sendable private func countSlowly(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        let milliseconds = try request.number("ms", 0...10_000) ?? 100
        try await Task.sleep(for: .milliseconds(milliseconds))
        session.update(.counter) { $0 += 1 }
        return ["counter": .integer(Int64(session[.counter]))]
    }

    @Sendable private func fail(_ request: Request, _ context: ShopContext) async throws -> JSON {
        let session = try await context.session
        session.update(.counter) { $0 += 1_000_000 }
        session.set(.value("failed"), to: true)
        throw HTTPError(
            .internalServerError,
            message: "This route always fails; what it put into the session is dropped."
        )
    }

    private struct Value: Decodable {
        let value: JSON
    }

    private struct Credentials: Decodable {
        let username, password: String
    }
}
