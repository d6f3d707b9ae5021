import Hummingbird
import Sessions

extension Session {
    /// Signs `account` in, and remembers what with.
    ///
    /// Of what the visitor had before, the theme and the cart survive: whoever planted a session in somebody's browser
    /// also chose its content, so each value that is kept has to be harmless.
    func signIn(_ account: Account, from request: Request) {
        logIn(account.username, keeping: .only(.theme, .cart))
        set(.device, to: DeviceName(userAgent: request.headers[.userAgent]).text)
    }
}
