#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Testing

/// A thousand requests at once, each with `update { $0 += 1 }`, on one session.
@Suite("I1: concurrent updates through HTTP", .timeLimit(.minutes(10)))
struct ConcurrentUpdateTests {
    static let count = 1_000

    /// Requests that have all loaded the session before the first of them changes it.
    private static func routes(_ gates: [Gate]) -> @Sendable (Router<AppContext>) -> Void {
        { router in
            router.withVisits()
            router.post("round/:round") { _, context in
                let session = try await context.session
                await gates[try context.parameters.require("round", as: Int.self)].pass()
                session.update(.visits) { $0 += 1 }
                return "\(session[.visits])"
            }
        }
    }

    @Test("over 100 real connections, ten times", .timeLimit(.minutes(5)), arguments: StoreUnderTest.all)
    func connections(of kind: StoreUnderTest) async throws {
        let clock = ManualSessionClock()
        try await kind.use(clock) { stores in
            let rig = try RaceRig(stores, clock)
            let gates = (0..<10).map { _ in Gate(opensAt: Self.count / 10) }
            try await rig.application(0, Self.routes(gates)).test(.live) { client in
                let visitor = Visitor(client)
                try await visitor.post("/begin")
                let headers = visitor.browser.request().headerFields
                let port = try #require(client.port)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.count / 10 {
                        group.addTask {
                            try await TestClient.withClient(
                                host: "localhost",
                                port: port,
                                configuration: .init(timeout: .seconds(240))
                            ) { connection in
                                for round in 0..<10 {
                                    let answer = try await connection.execute(
                                        .init(
                                            "/round/\(round)",
                                            method: .post,
                                            authority: "localhost",
                                            headers: headers
                                        )
                                    )
                                    #expect(answer.status == .ok)
                                    #expect(answer.headers[.setCookie] == nil)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await visitor.get("/visits").text == "\(Self.count)")
            }
            // They queue instead of fighting: a race that is lost at all costs one more round trip.
            #expect(rig.reports.elements.allSatisfy { $0.conflicts <= 1 && $0.roundTrips <= 3 })
            #expect(try await rig.recordCount == 1)
        }
    }

    @Test("all at the same moment", .timeLimit(.minutes(5)), arguments: StoreUnderTest.all)
    func atOnce(on kind: StoreUnderTest) async throws {
        let clock = ManualSessionClock()
        try await kind.use(clock) { stores in
            let rig = try RaceRig(stores, clock)
            let gate = Gate(opensAt: Self.count)
            try await rig.application(0, Self.routes([gate])).test(.router) { client in
                let visitor = Visitor(client)
                try await visitor.post("/begin")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.count {
                        group.addTask {
                            let answer = try await visitor.copy().post("/round/0")
                            #expect(answer.status == .ok)
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await visitor.get("/visits").text == "\(Self.count)")
            }
            #expect(rig.reports.elements.allSatisfy { $0.conflicts <= 1 && $0.roundTrips <= 3 })
        }
    }

    @Test(
        "in two processes, which share the store and no queue",
        .timeLimit(.minutes(5)),
        arguments: StoreUnderTest.all
    )
    func twoProcesses(on kind: StoreUnderTest) async throws {
        let clock = ManualSessionClock()
        try await kind.use(clock, processes: 2) { stores in
            let rig = try RaceRig(stores, clock)
            let gate = Gate(opensAt: Self.count)
            let other = rig.application(1, Self.routes([gate]))
            try await rig.application(0, Self.routes([gate])).test(.router) { client in
                try await other.test(.router) { otherClient in
                    let visitor = Visitor(client)
                    try await visitor.post("/begin")
                    let browser = visitor.browser
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for index in 0..<Self.count {
                            group.addTask {
                                let tab = Visitor(index.isMultiple(of: 2) ? client : otherClient, browser.copy())
                                let answer = try await tab.post("/round/0")
                                #expect(answer.status == .ok)
                            }
                        }
                        try await group.waitForAll()
                    }
                    #expect(try await visitor.get("/visits").text == "\(Self.count)")
                    #expect(try await Visitor(otherClient, browser).get("/visits").text == "\(Self.count)")
                }
            }
        }
    }
}
#endif
