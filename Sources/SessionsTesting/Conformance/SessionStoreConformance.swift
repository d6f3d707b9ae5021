public import Sessions

/// Tells the author of a store whether it keeps the contract.
///
/// Each check begins with a store of its own that a closure makes. It must be empty, and nobody else may use it
/// meanwhile.
///
/// ```swift
/// @Test(arguments: SessionStoreConformance.checks(for: MyStore.self))
/// func conforms(_ check: SessionStoreConformance.Check) async throws {
///     try await check.run { try MyStore() }
/// }
/// ```
///
/// Give the store a clock if it takes one: then the checks can also see what it does as time passes.
///
/// ```swift
///     try await check.run { clock in try MyStore(clock: clock) }
/// ```
///
/// Checks of a refinement apply to every store that conforms to it; one cannot claim a refinement and leave its checks
/// out. To check a store against itself in several processes, hand in one that sends each call to the next of several
/// connections.
///
/// The suite needs no test framework: a check throws a ``ConformanceFailure``, which says what rule is broken and how.
public enum SessionStoreConformance {
    /// All checks.
    ///
    /// Those of a refinement that a store does not have are ``Outcome/notApplicable`` to it.
    public static let checks: [Check] =
        contractChecks + fidelityChecks + raceChecks + expiryChecks + ownerChecks + enumerationChecks
        + invariantChecks

    /// The checks that apply to a type of store.
    public static func checks<Store: SessionStore>(for store: Store.Type) -> [Check] {
        checks.filter { check in check.requirements.allSatisfy { $0.isMet(by: store) } }
    }

    /// What became of a check that did not fail.
    public enum Outcome: Sendable, Hashable {
        /// The store keeps the rule.
        case passed
        /// The rule is about a refinement that the store does not have.
        case notApplicable
    }

    /// One rule of the contract.
    public struct Check: Sendable, CustomStringConvertible {
        /// The check's name, unlike that of any other.
        public let name: String

        /// The rule in a sentence.
        public let description: String

        let requirements: [Requirement]
        private let body: @Sendable (ConformanceSubject) async throws -> Void

        init(
            _ name: String,
            _ description: String,
            needs requirements: Requirement...,
            body: @escaping @Sendable (ConformanceSubject) async throws -> Void
        ) {
            self.name = name
            self.description = description
            self.requirements = requirements
            self.body = body
        }

        /// Checks a store that goes by the system's clock.
        ///
        /// - Parameters:
        ///   - rounds: How often a race is run.
        ///   - makeStore: Makes an empty store.
        /// - Throws: ``ConformanceFailure``, and what `makeStore` throws.
        @discardableResult
        public func run<Store: SessionStore>(
            rounds: Int = 100,
            _ makeStore: () async throws -> Store
        ) async throws -> Outcome {
            try await run(on: makeStore(), clock: nil, rounds: rounds)
        }

        /// Checks a store that goes by the clock it is given.
        ///
        /// - Parameters:
        ///   - rounds: How often a race is run.
        ///   - makeStore: Makes an empty store that goes by the given clock.
        /// - Throws: ``ConformanceFailure``, and what `makeStore` throws.
        @discardableResult
        public func run<Store: SessionStore>(
            rounds: Int = 100,
            _ makeStore: (ManualSessionClock) async throws -> Store
        ) async throws -> Outcome {
            let clock = ManualSessionClock()
            return try await run(on: makeStore(clock), clock: clock, rounds: rounds)
        }

        private func run<Store: SessionStore>(
            on store: Store,
            clock: ManualSessionClock?,
            rounds: Int
        ) async throws -> Outcome {
            guard requirements.allSatisfy({ $0.isMet(by: Store.self) }) else { return .notApplicable }
            do {
                try await body(ConformanceSubject(store: store, manualClock: clock, rounds: rounds))
                return .passed
            } catch var failure as ConformanceFailure {
                failure.check = name
                throw failure
            } catch let error as CancellationError {
                throw error
            } catch {
                var failure = ConformanceFailure("The store threw where it must not: \(error)", underlying: error)
                failure.check = name
                throw failure
            }
        }
    }

    enum Requirement: Sendable {
        case sweeping, owners, enumeration

        func isMet(by store: (some SessionStore).Type) -> Bool {
            switch self {
            case .sweeping: store is any SweepingSessionStore.Type
            case .owners: store is any OwnerIndexedSessionStore.Type
            case .enumeration: store is any EnumerableSessionStore.Type
            }
        }
    }
}
