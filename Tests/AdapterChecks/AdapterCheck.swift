/// One thing that every adapter does, whatever its server is.
package struct AdapterCheck: Sendable, CustomStringConvertible {
    /// A sentence.
    package let description: String
    let body: @Sendable (AdapterRig, any AdapterSubject) async throws -> Void

    init(
        _ description: String,
        _ body: @escaping @Sendable (AdapterRig, WireVisitor) async throws -> Void
    ) {
        self.description = description
        self.body = { rig, subject in
            try await rig.run(subject) { visitor in try await body(rig, visitor) }
        }
    }

    /// Runs the check.
    ///
    /// - Throws: ``CheckFailure`` if the adapter does something else.
    package func run(_ subject: any AdapterSubject) async throws {
        var rig = try AdapterRig()
        rig.answersErrors = subject.answersErrors
        try await body(rig, subject)
    }

    /// Every check.
    package static let all = costs + endings + guards + forms + failures + fieldsOnTheWire + connections
}

/// What an adapter did in place of what was expected.
package struct CheckFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

func expect(_ isRight: Bool, _ what: @autoclosure () -> String, line: Int = #line) throws {
    if !isRight { throw CheckFailure("\(what()) (line \(line))") }
}

func expectEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String = "", line: Int = #line) throws {
    if found != expected { throw CheckFailure("\(what): \(found), not \(expected) (line \(line))") }
}
