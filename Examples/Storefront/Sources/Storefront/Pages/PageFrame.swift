import HTTPTypes
import Sessions

/// What stands around every page: the title, the theme, who is signed in, the cart, and what is said once.
struct PageFrame: Sendable {
    let title: String
    let theme: String
    /// The choices of theme, for the switch.
    let themes: [ThemeChoice]
    /// The page that the theme's form returns to.
    let path: String
    let accountName: String?
    let isAnonymous: Bool
    let cartCount: Int
    let isCartEmpty: Bool
    let notices: [Line]
    /// The token of the forms; none for a visitor without a session, as making one would begin a session for everybody
    /// who only looks. The origin check protects the forms of such a page.
    let token: String?
    /// Whether the shop's own links and forms are around the page.
    let isShop: Bool

    struct ThemeChoice: Sendable {
        let name: String
        let label: String
        let isChosen: Bool
    }

    struct Line: Sendable {
        let tone: String
        let text: String
    }

    /// The frame of one of the shop's pages.
    init(_ title: String, _ page: PagePath, _ session: Session, _ accounts: Accounts) {
        self.title = title
        path = page.rawValue
        let theme = session[.theme]
        self.theme = theme.rawValue
        themes = Theme.allCases.map {
            ThemeChoice(name: $0.rawValue, label: $0.label, isChosen: $0 == theme)
        }
        let account = session.customer.flatMap { accounts[$0] }
        accountName = account?.name
        isAnonymous = account == nil
        cartCount = session[.cart].pieces
        isCartEmpty = cartCount == 0
        notices = session.flashes(.notice).compactMap(\.self).map { Line(tone: $0.tone.rawValue, text: $0.text) }
        token = session.isNew ? nil : session.csrfToken
        isShop = true
    }

    /// The frame of an error page: no form, and nothing of the session but the theme.
    init(error title: String, theme: Theme) {
        self.title = title
        self.theme = theme.rawValue
        themes = []
        path = PagePath.home.rawValue
        accountName = nil
        isAnonymous = false
        cartCount = 0
        isCartEmpty = true
        notices = []
        token = nil
        isShop = false
    }
}

/// The pages that a form may lead back to. A path from a form is one of them or nothing.
enum PagePath: String, Sendable {
    case home = "/"
    case cart = "/cart"
    case signIn = "/signin"
    case account = "/account"
    case devices = "/account/devices"
}
