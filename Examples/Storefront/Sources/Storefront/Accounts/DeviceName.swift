/// What a browser is called in the list of devices, such as "Firefox on Linux".
///
/// A browser can call itself anything, so the name is for its owner's eyes and decides nothing.
struct DeviceName {
    let text: String

    init(userAgent: String?) {
        guard let userAgent, !userAgent.isEmpty else {
            text = "Unknown device"
            return
        }
        let browser = Self.first(of: Self.browsers, in: userAgent)
        let system = Self.first(of: Self.systems, in: userAgent)
        switch (browser, system) {
        case (let browser?, let system?): text = "\(browser) on \(system)"
        case (let browser?, nil): text = browser
        case (nil, let system?): text = "A browser on \(system)"
        case (nil, nil): text = Self.product(userAgent)
        }
    }

    /// The more particular first: Edge also says Chrome, and Chrome also says Safari.
    private static let browsers = [
        ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"), ("Safari/", "Safari"),
    ]

    private static let systems = [
        ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
        ("Macintosh", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
    ]

    private static func first(of marks: [(mark: String, name: String)], in userAgent: String) -> String? {
        marks.first { userAgent.contains($0.mark) }?.name
    }

    /// The product's name of a client that is no browser, such as "curl" of "curl/8.5.0".
    private static func product(_ userAgent: String) -> String {
        let name = userAgent.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }.prefix(32)
        return name.isEmpty ? "Unknown device" : String(name)
    }
}
