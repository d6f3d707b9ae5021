#if Hummingbird
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Sessions
import SessionsHummingbird
import SessionsTesting
import Synchronization
import Testing

/// A slow writer against a logout: whoever is faster, the session is never seen again.
@Suite("I2, LC-07: a slow writer against a logout", .timeLimit(.minutes(10)))
struct LogoutRaceTests {
    static let count = 10_000

    /// How a race is run: the writer has always loaded the session before anything is decided.
    enum Course: Int, CaseIterable, Sendable {
        /// The logout has been answered before the writer goes on.
        case logoutFirst
        /// The same, and the logout was another process's.
        case logoutFirstElsewhere
        /// The writer has been answered before the logout, which has loaded the session too, goes on.
        case writerFirst
        /// The same, and the logout is another process's.
        case writerFirstElsewhere
        /// The writer has saved once, then the logout comes, then the writer changes something again.
        case between
        /// Both go on at the same moment.
        case together
        /// The same, in two processes.
        case togetherElsewhere

        /// The writer's status, where it is certain.
        var status: HTTPResponse.Status? {
            switch self {
            case .logoutFirst, .logoutFirstElsewhere, .between: .conflict
            case .writerFirst, .writerFirstElsewhere: .ok
            case .together, .togetherElsewhere: nil
            }
        }

        /// Which process runs the logout; the writer runs in process 0.
        var process: Int {
            switch self {
            case .logoutFirstElsewhere, .writerFirstElsewhere, .togetherElsewhere: 1
            default: 0
            }
        }
    }

    /// The gates of one race.
    struct Gates: Sendable {
        let writer = Gate()
        let logout = Gate()
    }

    private static func routes(_ gates: Current) -> (Router<AppContext>) -> Void {
        { router in
            router.withVisits()
            router.post("slow") { request, context in
                let session = try await context.session
                if request.uri.queryParameters.get("saves") != nil {
                    session.update(.visits) { $0 += 1 }
                    try await session.save()
                }
                await gates.now.writer.pass()
                session.update(.visits) { $0 += 1 }
                return HTTPResponse.Status.ok
            }
            router.post("slow-logout") { _, context in
                let session = try await context.session
                await gates.now.logout.pass()
                session.logOut()
                return HTTPResponse.Status.ok
            }
        }
    }

    /// The gates of the race that is being run.
    final class Current: Sendable {
        private let gates = Mutex(Gates())
        var now: Gates { gates.withLock { $0 } }
        func renew() -> Gates {
            gates.withLock { gates in
                gates = Gates()
                return gates
            }
        }
    }

    @Test("10 000 races, in every order", .timeLimit(.minutes(10)), arguments: StoreUnderTest.all)
    func races(on kind: StoreUnderTest) async throws {
        let clock = ManualSessionClock()
        try await kind.use(clock, processes: 2) { stores in
            let rig = try RaceRig(stores, clock)
            let gates = Current()
            let other = rig.application(1, Self.routes(gates))
            let tally = try await rig.application(0, Self.routes(gates)).test(.router) { client in
                try await other.test(.router) { otherClient in
                    var tally: [Course: [HTTPResponse.Status: Int]] = [:]
                    for index in 0..<Self.count {
                        try Task.checkCancellation()
                        let course = Course.allCases[index % Course.allCases.count]
                        let status = try await race(course, gates.renew(), [client, otherClient])
                        tally[course, default: [:]][status, default: 0] += 1
                        #expect(try await rig.recordCount == 0, "race \(index), \(course)")
                    }
                    return tally
                }
            }
            for course in Course.allCases {
                let statuses = tally[course] ?? [:]
                #expect(Set(statuses.keys).isSubset(of: course.status.map { [$0] } ?? [.ok, .conflict]), "\(course)")
            }
            #expect(tally.values.reduce(0) { $0 + $1.values.reduce(0, +) } == Self.count)
        }
    }

    /// One race; the writer's status.
    private func race(
        _ course: Course,
        _ gates: Gates,
        _ clients: [any TestClientProtocol]
    ) async throws -> HTTPResponse.Status {
        let user = Visitor(clients[course.process])
        try await user.post("/login")
        let tab = Visitor(clients[0], user.browser.copy())
        async let write = tab.post(course == .between ? "/slow?saves" : "/slow")
        await gates.writer.waitForArrivals()
        switch course {
        case .logoutFirst, .logoutFirstElsewhere, .between:
            try await user.post("/logout")
            gates.writer.open()
            _ = try await write
        case .writerFirst, .writerFirstElsewhere:
            async let logout = user.post("/slow-logout")
            await gates.logout.waitForArrivals()
            gates.writer.open()
            _ = try await write
            gates.logout.open()
            _ = try await logout
        case .together, .togetherElsewhere:
            async let logout = user.post("/slow-logout")
            await gates.logout.waitForArrivals()
            let order = Bool.random() ? [gates.logout, gates.writer] : [gates.writer, gates.logout]
            for gate in order { gate.open() }
            _ = try await (write, logout)
        }
        let answer = try await write
        #expect(answer.setCookies.isEmpty)
        #expect(user.credential == nil)
        // The other tab still has its cookie. It shows nothing, in either process.
        for client in clients {
            #expect(try await Visitor(client, tab.browser).get("/visits").text == "new")
        }
        return answer.status
    }
}
#endif
