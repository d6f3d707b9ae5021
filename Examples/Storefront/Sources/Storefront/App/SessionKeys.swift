import Sessions

// Everything that the shop keeps in a session, in one place.

extension SessionKey<[CartLine]> {
    /// What is in the cart.
    static var cart: Self { Self("cart", default: []) }
}

extension SessionKey<Theme> {
    /// How the visitor likes the pages.
    static var theme: Self { Self("theme", default: .auto) }
}

extension SessionKey<String> {
    /// What the owner signed in with, for the list of devices.
    static var device: Self { Self("device", default: "Unknown device") }
}

extension SessionKey<Notice?> {
    /// What the next page says once.
    static var notice: Self { Self("notice") }
}

extension SessionKey<Int> {
    /// The API's counter.
    static var counter: Self { Self("counter", default: 0) }
}

extension SessionKey<Passport?> {
    /// Whom a Node service has signed in. The shop reads it and never writes it.
    static var passport: Self { Self("passport") }
}

extension SessionKey<JSON> {
    /// A value of the API, under a name that none of the shop's own can have.
    static func value(_ key: String) -> Self { Self(valuePrefix + key, default: .null) }

    static var valuePrefix: String { "value." }
}

/// What Passport, with which most Node services sign people in, leaves in a session.
struct Passport: Codable, Sendable, Equatable {
    var user: String
}

/// Something that one page says, and no other.
struct Notice: Codable, Sendable, Equatable {
    enum Tone: String, Codable, Sendable {
        case good, plain, bad
    }

    var tone: Tone
    var text: String

    init(_ text: String, tone: Tone = .good) {
        self.tone = tone
        self.text = text
    }
}

/// How the pages look: as the system does, or always one way.
enum Theme: String, Codable, Sendable, CaseIterable {
    case auto, light, dark

    /// What the switch calls it.
    var label: String {
        switch self {
        case .auto: "Auto"
        case .light: "Light"
        case .dark: "Dark"
        }
    }
}
