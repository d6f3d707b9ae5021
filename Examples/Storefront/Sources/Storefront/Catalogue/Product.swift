/// Something the shop sells.
struct Product: Sendable {
    /// What forms and carts call it.
    let id: String
    let name: String
    let blurb: String
    let price: Price
    /// Its picture, an SVG element.
    let picture: String
}

/// An amount of money, in pence.
struct Price: Sendable, CustomStringConvertible {
    let pence: Int

    init(pence: Int) {
        self.pence = pence
    }

    static func * (price: Price, quantity: Int) -> Price { Price(pence: price.pence * quantity) }

    var description: String {
        let rest = pence % 100
        return "£\(pence / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
