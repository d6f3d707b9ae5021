import Hummingbird
import Sessions
import SessionsHummingbird

/// The owner's pages: the account, and the devices it is signed in on.
struct AccountPages: Sendable {
    let renderer: PageRenderer
    let accounts: Accounts

    func add(to routes: RouterGroup<ShopContext>) {
        let pages = routes.group("account").add(middleware: CustomerGuard())
        pages.get(use: account)
        // A session that a Node service has signed in is on nobody's list.
        let owned = pages.group("devices").add(middleware: OwnerGuard(redirectingTo: PagePath.account.rawValue))
        owned.get(use: devices)
        owned.post("signout", use: signOutThere)
        owned.post("signout-others", use: signOutOthers)
    }

    @Sendable private func account(_ request: Request, _ context: ShopContext) async throws -> Response {
        let session = try await context.session
        guard let account = session.customer.flatMap({ accounts[$0] }) else { throw HTTPError(.unauthorized) }
        let view = AccountView(account, session, devices: try await devices(of: session))
        return renderer.page(.account, PageFrame("Your account", .account, session, accounts), view)
    }

    /// How many devices the owner is signed in on; `nil` where nobody can say.
    private func devices(of session: Session) async throws -> Int? {
        guard session.owner != nil else { return nil }
        do {
            return try await session.listSessions().count
        } catch let error as SessionError where error.code == .unsupported {
            return nil
        }
    }

    @Sendable private func devices(_ request: Request, _ context: ShopContext) async throws -> Response {
        let session = try await context.session
        let view = DevicesView(try await session.listSessions(), current: session.handle)
        return renderer.page(.devices, PageFrame("Your devices", .devices, session, accounts), view)
    }

    @Sendable private func signOutThere(_ request: Request, _ context: ShopContext) async throws -> Response {
        let form = try await Form(request, context)
        guard let handle = SessionHandle(try form.text("handle")) else { throw HTTPError(.badRequest) }
        let session = try await context.session
        if handle == session.handle {
            session.endKeepingTheme()
            return .see(.home)
        }
        let isEnded = try await session.revokeSession(handle)
        let notice = isEnded ? Notice("Signed out there.") : Notice("That device was signed out already.", tone: .plain)
        session.flash(.notice, notice)
        return .see(.devices)
    }

    @Sendable private func signOutOthers(_ request: Request, _ context: ShopContext) async throws -> Response {
        _ = try await Form(request, context)
        let session = try await context.session
        let notice =
            switch try await session.revokeOthers() {
            case 0: Notice("No other device was signed in.", tone: .plain)
            case 1: Notice("One other device is signed out.")
            case let count: Notice("\(count) other devices are signed out.")
            }
        session.flash(.notice, notice)
        return .see(.devices)
    }
}

/// The account, as its page shows it.
private struct AccountView: Sendable {
    struct Fact: Sendable {
        let name, value, note: String
        var isCode = false
    }

    let name, username: String
    let devices: Int
    let isOneDevice, isListed: Bool
    let facts: [Fact]

    init(_ account: Account, _ session: Session, devices: Int?) {
        name = account.name
        username = account.username
        self.devices = devices ?? 0
        isOneDevice = devices == 1
        isListed = devices != nil
        let authenticated = session.authenticatedAt.map(Moment.init)
        facts = [
            Fact(name: "Device", value: session[.device], note: "as the browser calls itself"),
            Fact(name: "Signed in", value: authenticated?.relative ?? "", note: authenticated?.absolute ?? ""),
            Fact(name: "Last seen", value: Moment(session.lastSeenAt).relative, note: "written once a minute at most"),
            Fact(
                name: "Ends if unused",
                value: Moment(session.idleDeadline).relative,
                note: Moment(session.idleDeadline).absolute
            ),
            Fact(
                name: "Ends anyway",
                value: Moment(session.absoluteDeadline).relative,
                note: Moment(session.absoluteDeadline).absolute
            ),
            Fact(
                name: "Handle",
                value: session.handle.description,
                note: "the session's name; opens nothing",
                isCode: true
            ),
            Fact(
                name: "Credential",
                value: session.id,
                note: "its fingerprint; another after each sign-in",
                isCode: true
            ),
        ]
    }
}

/// The devices, as their page shows them.
private struct DevicesView: Sendable {
    struct Device: Sendable {
        let handle, name: String
        let isCurrent: Bool
        let signedIn, signedInAt, lastSeen, lastSeenAt: String
    }

    let devices: [Device]
    let hasOthers: Bool

    init(_ sessions: [SessionSummary], current: SessionHandle) {
        devices = sessions.map {
            let signedIn = Moment($0.authenticatedAt ?? $0.createdAt)
            let lastSeen = Moment($0.lastSeenAt)
            return Device(
                handle: $0.handle.description,
                name: $0[.device],
                isCurrent: $0.handle == current,
                signedIn: signedIn.relative,
                signedInAt: signedIn.absolute,
                lastSeen: lastSeen.relative,
                lastSeenAt: lastSeen.absolute
            )
        }
        .sorted { $0.isCurrent && !$1.isCurrent }
        hasOthers = devices.contains { !$0.isCurrent }
    }
}
