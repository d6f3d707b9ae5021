/// Some of one product.
struct CartLine: Codable, Sendable, Equatable {
    var product: String
    var quantity: Int
}

extension [CartLine] {
    /// The most of one product that a cart holds.
    static var maximumQuantity: Int { 99 }

    /// How many pieces are in the cart.
    var pieces: Int { reduce(0) { $0 + $1.quantity } }

    /// Puts one more of a product in.
    mutating func add(_ product: Product) {
        setQuantity((first { $0.product == product.id }?.quantity ?? 0) + 1, of: product)
    }

    /// Has so many of a product in the cart; none takes it out.
    mutating func setQuantity(_ quantity: Int, of product: Product) {
        let quantity = Swift.min(Swift.max(quantity, 0), Self.maximumQuantity)
        guard quantity > 0 else { return removeAll { $0.product == product.id } }
        if let index = firstIndex(where: { $0.product == product.id }) {
            self[index].quantity = quantity
        } else {
            append(CartLine(product: product.id, quantity: quantity))
        }
    }
}
