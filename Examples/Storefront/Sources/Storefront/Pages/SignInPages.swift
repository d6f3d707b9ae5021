import Hummingbird
import Sessions
import SessionsHummingbird

/// Signing in and out.
struct SignInPages: Sendable {
    let renderer: PageRenderer
    let accounts: Accounts

    func add(to routes: RouterGroup<ShopContext>) {
        routes.get("signin", use: form)
        routes.post("signin", use: signIn)
        routes.post("signout", use: signOut)
    }

    @Sendable private func form(_ request: Request, _ context: ShopContext) async throws -> Response {
        let session = try await context.session
        return renderer.page(.signin, PageFrame("Sign in", .signIn, session, accounts), SignInView(username: ""))
    }

    @Sendable private func signIn(_ request: Request, _ context: ShopContext) async throws -> Response {
        let form = try await Form(request, context)
        let (username, password) = (try form.text("username"), try form.text("password"))
        let session = try await context.session
        guard let account = try await accounts.authenticate(username, password) else {
            session.flashNow(.notice, Notice("That name and password do not go together.", tone: .bad))
            let frame = PageFrame("Sign in", .signIn, session, accounts)
            return renderer.page(.signin, frame, SignInView(username: username), status: .unprocessableContent)
        }
        session.signIn(account, from: request)
        session.flash(.notice, Notice("Welcome, \(account.name)."))
        return .see(.account)
    }

    /// Ends the session and begins an empty one, which takes over nothing but the theme.
    ///
    /// Where nothing is to go on, this is `session.logOut()`.
    @Sendable private func signOut(_ request: Request, _ context: ShopContext) async throws -> Response {
        _ = try await Form(request, context)
        let session = try await context.session
        session.endKeepingTheme()
        session.flash(.notice, Notice("You are signed out.", tone: .plain))
        return .see(.home)
    }
}

extension Session {
    /// Signs out: this session is over, and what begins in its place knows the theme only.
    func endKeepingTheme() {
        let theme = self[.theme]
        restart()
        set(.theme, to: theme)
    }
}

/// The sign-in form.
private struct SignInView: Sendable {
    let username: String
}
