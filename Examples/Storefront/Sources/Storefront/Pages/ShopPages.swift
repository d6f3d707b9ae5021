import Hummingbird
import Sessions
import SessionsHummingbird

/// Browsing, the cart, and the theme.
struct ShopPages: Sendable {
    let renderer: PageRenderer
    let accounts: Accounts

    func add(to routes: RouterGroup<ShopContext>) {
        routes.get("/", use: home)
        routes.get("cart", use: cart)
        routes.post("cart/add", use: add)
        routes.post("cart/quantity", use: setQuantity)
        routes.post("cart/remove", use: remove)
        routes.post("theme", use: setTheme)
    }

    @Sendable private func home(_ request: Request, _ context: ShopContext) async throws -> Response {
        let session = try await context.session
        return renderer.page(.home, PageFrame("Shop", .home, session, accounts), Shelf(Catalogue.products))
    }

    @Sendable private func cart(_ request: Request, _ context: ShopContext) async throws -> Response {
        let session = try await context.session
        return renderer.page(.cart, PageFrame("Cart", .cart, session, accounts), CartView(session[.cart]))
    }

    @Sendable private func add(_ request: Request, _ context: ShopContext) async throws -> Response {
        let form = try await Form(request, context)
        let product = try form.product()
        let session = try await context.session
        session.update(.cart) { $0.add(product) }
        session.flash(.notice, Notice("\(product.name): in your cart."))
        return .see(form.origin)
    }

    @Sendable private func setQuantity(_ request: Request, _ context: ShopContext) async throws -> Response {
        let form = try await Form(request, context)
        let product = try form.product()
        guard let quantity = Int(try form.text("quantity")), (0...[CartLine].maximumQuantity).contains(quantity) else {
            throw HTTPError(.badRequest, message: "A quantity is a number from 0 to \([CartLine].maximumQuantity).")
        }
        let session = try await context.session
        session.update(.cart) { $0.setQuantity(quantity, of: product) }
        session.flash(.notice, Notice("Your cart is up to date."))
        return .see(.cart)
    }

    @Sendable private func remove(_ request: Request, _ context: ShopContext) async throws -> Response {
        let product = try await Form(request, context).product()
        let session = try await context.session
        session.update(.cart) { $0.setQuantity(0, of: product) }
        session.flash(.notice, Notice("\(product.name): taken out of your cart.", tone: .plain))
        return .see(.cart)
    }

    @Sendable private func setTheme(_ request: Request, _ context: ShopContext) async throws -> Response {
        let form = try await Form(request, context)
        guard let theme = Theme(rawValue: try form.text("theme")) else {
            throw HTTPError(.badRequest, message: "There is no such theme.")
        }
        try await context.session.set(.theme, to: theme)
        return .see(form.origin)
    }
}

/// The products, as the first page shows them.
private struct Shelf: Sendable {
    struct Item: Sendable {
        let id, name, blurb, price, picture: String
    }

    let items: [Item]

    init(_ products: [Product]) {
        items = products.map {
            Item(id: $0.id, name: $0.name, blurb: $0.blurb, price: $0.price.description, picture: $0.picture)
        }
    }
}

/// The cart, as its page shows it.
private struct CartView: Sendable {
    struct Line: Sendable {
        let id, name, picture: String
        let quantity: Int
        let each, total: String
    }

    let lines: [Line]
    let isEmpty: Bool
    let pieces: Int
    let isOnePiece: Bool
    let total: String
    let maximum = [CartLine].maximumQuantity

    init(_ cart: [CartLine]) {
        // A product may have gone from the shop while it was in a cart.
        let known = cart.compactMap { line in Catalogue.product(line.product).map { ($0, line.quantity) } }
        lines = known.map { product, quantity in
            Line(
                id: product.id,
                name: product.name,
                picture: product.picture,
                quantity: quantity,
                each: product.price.description,
                total: (product.price * quantity).description
            )
        }
        isEmpty = known.isEmpty
        pieces = known.reduce(0) { $0 + $1.1 }
        isOnePiece = pieces == 1
        total = Price(pence: known.reduce(0) { $0 + $1.0.price.pence * $1.1 }).description
    }
}
