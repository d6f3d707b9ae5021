import Testing

@testable import Sessions

@Suite("The managers of one application")
struct SessionManagersTests {
    private func manager(
        _ name: String,
        path: String = "/",
        domain: String? = nil,
        application: String = "app"
    ) throws -> SessionManager {
        var configuration = SessionConfiguration()
        configuration.application = application
        configuration.cookie.name = name
        configuration.cookie.path = path
        configuration.cookie.domain = domain
        return try SessionManager(
            store: MemorySessionStore(),
            keys: KeyRing([SessionSecret.generate()]),
            configuration: configuration,
            logger: .silent
        )
    }

    @Test("with cookies of their own are accepted, in their order")
    func accepted() throws {
        let (users, admins) = (try manager("__Host-Http-sid"), try manager("__Host-Http-admin"))
        #expect(try SessionManagers(users).all.count == 1)
        let both = try SessionManagers(users, admins)
        #expect(both.all[0] === users)
        #expect(both.all[1] === admins)
        // Names are compared byte by byte, and browsers keep these apart (PR-04).
        #expect(throws: Never.self) { try SessionManagers(manager("sid"), manager("SID"), manager("sid2")) }
    }

    @Test("CF-07: two with one cookie are refused when the application starts, whatever else differs")
    func refused() throws {
        let (users, others) = (try manager("__Host-Http-sid"), try manager("__Host-Http-sid", application: "other"))
        let error = #expect(throws: SessionConfigurationError.self) {
            try SessionManagers(users, manager("__Host-Http-admin"), others)
        }
        #expect(error?.code == .duplicateManager)
        #expect(error?.message.contains("__Host-Http-sid") == true)
        #expect(error?.message.contains("configuration.cookie.name") == true)
    }

    @Test("CF-07: one manager named twice is refused, and the message says which")
    func twice() throws {
        let users = try manager("__Host-Http-sid")
        let error = #expect(throws: SessionConfigurationError.self) { try SessionManagers(users, users) }
        #expect(error?.code == .duplicateManager)
        #expect(error?.message.contains("named twice") == true)
    }

    @Test(
        "CF-07: of one name, paths have to lie beside each other",
        arguments: [
            ("/", "/", true), ("/", "/shop", true), ("/shop", "/shop/cart", true), ("/shop/", "/shop/cart", true),
            ("/shop", "/shop/", true), ("/shop", "/shopping", false), ("/shop", "/admin", false),
            ("/shop/", "/shop-admin", false), ("/Shop", "/shop", false),
        ]
    )
    func paths(one: String, other: String, overlaps: Bool) throws {
        for (first, second) in [(one, other), (other, one)] {
            let result = Result { try SessionManagers(manager("sid", path: first), manager("sid", path: second)) }
            #expect((try? result.get()) == nil ? overlaps : !overlaps, "\(first) and \(second)")
        }
    }

    @Test(
        "CF-07: of one name, domains have to lie beside each other; without one it may be any host",
        arguments: [
            (nil, nil, true), (nil, "shop.example", true), ("shop.example", "shop.example", true),
            ("shop.example", "SHOP.example", true), ("shop.example", "eu.shop.example", true),
            ("shop.example", "myshop.example", false), ("a.example", "b.example", false),
        ] as [(String?, String?, Bool)]
    )
    func domains(one: String?, other: String?, overlaps: Bool) throws {
        for (first, second) in [(one, other), (other, one)] {
            let result = Result {
                try SessionManagers(manager("__Secure-sid", domain: first), manager("__Secure-sid", domain: second))
            }
            #expect((try? result.get()) == nil ? overlaps : !overlaps, "\(first ?? "-") and \(second ?? "-")")
        }
    }
}
