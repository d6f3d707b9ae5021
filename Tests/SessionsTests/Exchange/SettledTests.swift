import Testing

@testable import Sessions

@Suite("A commit with nothing to do")
struct SettledTests {
    /// Every combination of a few configurations, ages of the record and arrivals.
    static let cases: [(configuration: SessionConfiguration, age: Duration, arrival: Arrival)] = {
        var configurations = [SessionConfiguration()]
        for change: (inout SessionConfiguration) -> Void in [
            { $0.rolling = true }, { $0.resave = true }, { $0.saveUninitialized = true },
            { $0.rotationInterval = .seconds(300) }, { $0.renewalInterval = .zero }, { $0.deletesEmptied = true },
        ] {
            configurations += configurations.map { configuration in
                var configuration = configuration
                change(&configuration)
                return configuration
            }
        }
        let ages: [Duration] = [.zero, .seconds(59), .seconds(60), .seconds(301), .seconds(1799), .seconds(1801)]
        return configurations.flatMap { configuration in
            ages.flatMap { age in
                [Arrival.found, .foundInGrace, .noCookie, .gone, .malformed].map { (configuration, age, $0) }
            }
        }
    }()

    @Test("the short way and the plan come to the same end")
    func agrees() throws {
        var settled = 0
        for (configuration, age, arrival) in Self.cases {
            var fixture = try PlanFixture()
            fixture.configuration = configuration
            fixture.record.stored.idleDeadline = fixture.now - age + configuration.anonymousLifetime.idle
            fixture.request.arrival = arrival
            fixture.request.rotatesWhenDue = true
            if arrival == .foundInGrace { _ = fixture.rotateMeanwhile() }
            let isFound = arrival == .found || arrival == .foundInGrace
            if !isFound { fixture.becomeAnonymous(arrival) }
            var state = ExchangeState()
            state.arrive(arrival, isFound ? fixture.record : nil, isFound ? fixture.held : nil)
            guard state.isSettled(configuration, at: fixture.now) else { continue }
            settled += 1
            let plan = try fixture.plan(on: isFound ? fixture.record : nil)
            #expect(plan.write.kind == .nothing, "\(arrival) after \(age)")
            #expect(plan.reason == nil, "\(arrival) after \(age)")
        }
        // Of what most requests are: nearly all.
        #expect(settled > 100)
    }
}
