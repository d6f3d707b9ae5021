import Sessions
import Testing

@testable import SessionsTesting

@Suite struct SessionStoreConformanceTests {
    /// The checks that find each flaw, the one that is meant for it first.
    private static let findings: [WrongStore.Flaw: [String]] = [
        .insertOverwrites: ["insert-taken", "expired-insert", "race-insert"],
        .insertOverwritesExpired: ["expired-insert"],
        .replaceIgnoresVersion: [
            "replace-conflict", "insert-again", "payload-conflict", "race-chain", "race-replace", "version-bits",
        ],
        .replaceRevives: ["replace-deleted", "race-owner", "race-replace-delete", "race-replace-delete-version"],
        .deleteIgnoresVersion: ["delete-conflict", "insert-again", "race-replace-delete-version"],
        .touchIgnoresVersion: ["touch-conflict", "insert-again", "race-touch-replace"],
        .touchRewinds: ["touch-rewind"],
        .touchRevives: ["touch-missing", "race-touch-delete"],
        .touchWritesFirstPayload: ["touch-moves"],
        .touchLosesOwner: ["touch-moves", "owner-touched"],
        .touchChangesVersion: [
            "touch-moves", "expiry-touched", "owner-touched", "race-touch-replace", "timestamps", "touch-rewind",
        ],
        .conflictHandsBackOld: ["replace-conflict", "race-chain", "race-replace"],
        .deleteIsAlwaysTrue: ["delete-any", "delete-current", "race-delete"],
        .racyInsert: ["race-insert"],
        .racyReplace: [
            "race-replace", "race-chain", "race-owner", "race-replace-delete", "race-replace-delete-version",
        ],
        .racyTouch: ["race-touch-delete", "race-touch-replace"],
        .racyDelete: ["race-delete", "race-replace-delete", "race-replace-delete-version"],
        .racyDeleteIfOwner: ["race-owner"],
        .racyRaiseEpoch: ["race-epoch"],
        .truncatesPayload: ["payload-bytes", "payload-conflict"],
        .cutsPayloadAtNUL: [
            "payload-bytes", "payload-conflict", "enumerate-pages", "owner-deleted", "owner-entries", "owner-replaced",
            "owner-text", "race-insert", "race-replace",
        ],
        .convertsPayload: ["payload-bytes", "payload-conflict"],
        .roundsVersion: ["version-bits"],
        .roundsDeadlines: ["timestamps", "timestamps-past"],
        .keysIgnoreCase: [
            "keys", "enumerate-between", "enumerate-clear", "enumerate-count", "enumerate-pages",
        ],
        .collectsEarly: ["expiry-early", "expired-insert"],
        .neverCollects: ["sweep-expired", "expiry-replaced", "expiry-touched", "owner-swept", "sweep-limit"],
        .collectsByIdleDeadline: ["sweep-expired", "expiry-touched"],
        .collectsByFirstDeadline: ["expiry-touched", "expiry-replaced", "race-sweep-touch"],
        .sweepsTheCutoff: ["sweep-expired"],
        .sweepIgnoresLimit: ["sweep-limit"],
        .sweepMiscounts: ["sweep-limit", "expiry-replaced", "expiry-touched", "sweep-expired"],
        .ownerOfFirstRecord: ["owner-replaced", "race-owner"],
        .ownerNeverRemoved: ["owner-replaced", "race-owner"],
        .deleteIgnoresOwner: ["owner-delete-other", "owner-text", "race-owner"],
        .ownersByEquivalence: ["owner-text"],
        .ownersByPrefix: ["owner-text", "owner-delete-other", "owner-entries"],
        .epochGoesBack: ["epoch", "epoch-kept", "race-epoch"],
        .epochForgotten: ["epoch-kept"],
        .epochNeverForgotten: ["epoch-forgotten"],
        .epochsShared: ["owner-text", "epoch", "epoch-kept"],
        .pagesInDisorder: ["enumerate-pages", "enumerate-between"],
        .pagesRepeat: ["enumerate-pages"],
        .pagesIgnoreLimit: ["enumerate-pages", "enumerate-between"],
        .countsInserts: ["enumerate-count", "enumerate-clear"],
        .clearsNothing: ["enumerate-clear"],
    ]

    @Test("Each flaw fails the check that is meant for it", arguments: WrongStore.Flaw.allCases)
    func wrongStore(_ flaw: WrongStore.Flaw) async throws {
        let findings = try #require(Self.findings[flaw])
        var failures: [String: ConformanceFailure] = [:]
        // What goes through the manager fails for many reasons at once; the contract's own checks name the one.
        let endToEnd = Set(SessionStoreConformance.invariantChecks.map(\.name))
        for check in SessionStoreConformance.checks where !endToEnd.contains(check.name) {
            do {
                try await check.run(rounds: 30) { clock in WrongStore(flaw, clock: clock) }
            } catch let failure as ConformanceFailure {
                failures[check.name] = failure
            }
        }
        // A racy flaw shows only when two tasks meet in it: give them more chances.
        let meant = try #require(SessionStoreConformance.checks.first { $0.name == findings[0] })
        for _ in 0..<200 where failures[meant.name] == nil && "\(flaw)".hasPrefix("racy") {
            do {
                try await meant.run(rounds: 200) { clock in WrongStore(flaw, clock: clock) }
            } catch let failure as ConformanceFailure {
                failures[meant.name] = failure
            }
        }
        #expect(failures[meant.name] != nil)
        #expect(Set(failures.keys).isSubset(of: findings), "a check failed that has nothing to do with the flaw")
        for (name, failure) in failures {
            #expect("\(failure)".hasPrefix("\(name): ") && failure.underlying == nil)
        }
    }

    @Test("A store that keeps the contract passes every check", arguments: SessionStoreConformance.checks)
    func rightStore(_ check: SessionStoreConformance.Check) async throws {
        #expect(try await check.run { clock in WrongStore(clock: clock) } == .passed)
        #expect(try await check.run { WrongStore(clock: SystemSessionClock()) } == .passed)
    }

    @Test("A faulty store without faults passes every check", arguments: SessionStoreConformance.checks)
    func faultlessStore(_ check: SessionStoreConformance.Check) async throws {
        #expect(try await check.run { clock in FaultySessionStore(WrongStore(clock: clock)) } == .passed)
    }

    @Test("A store is checked for the refinements it has, and for no others")
    func refinements() async throws {
        let bare = SessionStoreConformance.checks(for: BareStore.self)
        #expect(
            Set(bare.map(\.name)).isSuperset(of: ["insert-taken", "race-replace", "payload-bytes", "expiry-early"])
        )
        #expect(bare.allSatisfy { !$0.name.hasPrefix("sweep") && !$0.name.hasPrefix("enumerate") })
        #expect(bare.allSatisfy { !$0.name.hasPrefix("owner") && !$0.name.hasPrefix("epoch") })
        for check in SessionStoreConformance.checks {
            let outcome = try await check.run { clock in BareStore(base: WrongStore(clock: clock)) }
            #expect(outcome == (bare.contains { $0.name == check.name } ? .passed : .notApplicable))
        }
        let all = SessionStoreConformance.checks(for: WrongStore.self)
        #expect(all.map(\.name) == SessionStoreConformance.checks.map(\.name))
        #expect(Set(all.map(\.name)).count == all.count)
        #expect(all.count > bare.count)
    }

    @Test("What the store throws is a failure that carries it")
    func throwingStore() async throws {
        let check = try #require(SessionStoreConformance.checks.first { $0.name == "load-inserted" })
        let failure = await #expect(throws: ConformanceFailure.self) {
            try await check.run { clock in
                let store = FaultySessionStore(WrongStore(clock: clock))
                store.faults.failBefore(.load)
                return store
            }
        }
        #expect(failure?.check == "load-inserted")
        #expect(failure?.underlying as? SessionStoreError == StoreFaults.unavailable)
    }
}
