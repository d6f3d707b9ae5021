/// What the shop sells. A real one has a database of it.
enum Catalogue {
    /// The product that forms and carts call `id`.
    static func product(_ id: String) -> Product? { products.first { $0.id == id } }

    static let products = [
        Product(
            id: "cards",
            name: "Punched cards, box of 500",
            blurb: "Eighty columns, blank. One corner is cut, so that a dropped deck can be put right.",
            price: Price(pence: 650),
            picture: Picture.cards
        ),
        Product(
            id: "gear",
            name: "Brass gear, twelve teeth",
            blurb: "Carries the tens. Fits engine no. 1, and every better one since.",
            price: Price(pence: 1800),
            picture: Picture.gear
        ),
        Product(
            id: "valve",
            name: "Thermionic valve",
            blurb: "Warm within a minute. One of eighteen thousand, so do take a spare.",
            price: Price(pence: 1175),
            picture: Picture.valve
        ),
        Product(
            id: "core",
            name: "Core memory plane",
            blurb: "Ferrite rings, threaded by hand. Remembers without power, much as this shop does.",
            price: Price(pence: 4200),
            picture: Picture.core
        ),
        Product(
            id: "tape",
            name: "Paper tape, 1000 feet",
            blurb: "Oiled, five channels and a sprocket. Never forgets, sometimes tears.",
            price: Price(pence: 420),
            picture: Picture.tape
        ),
        Product(
            id: "logbook",
            name: "Logbook, with moth",
            blurb: "Two hundred ruled pages. The first actual bug is taped in, for reference.",
            price: Price(pence: 1590),
            picture: Picture.logbook
        ),
        Product(
            id: "rule",
            name: "Slide rule, ten inch",
            blurb: "Boxwood and glass. Three good digits and no batteries.",
            price: Price(pence: 2400),
            picture: Picture.rule
        ),
        Product(
            id: "rotor",
            name: "Rotor, reconditioned",
            blurb: "Twenty-six contacts, wired afresh. Never the same answer twice running.",
            price: Price(pence: 3100),
            picture: Picture.rotor
        ),
    ]
}
