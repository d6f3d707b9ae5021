import Hummingbird

/// The route that no session middleware is around: what the server does without sessions.
struct PlainRoutes: Sendable {
    /// The answer of the routes that have nothing to say, so that their times can be compared.
    static let answer: JSON = ["ok": true]

    func add(to router: Router<ShopContext>) {
        router.get("api/plain") { _, _ in Self.answer }
    }
}
