#if Mongo
import CMongoC
import Sessions
import Synchronization

/// A client while a call has it.
struct MongoConnection {
    let client: OpaquePointer
    let settings: MongoSettings
    /// When nobody waits any more.
    let deadline: ContinuousClock.Instant

    /// Milliseconds to the deadline, one at least.
    private var milliseconds: Int64 {
        max(1, (deadline - ContinuousClock.now).wholeMicroseconds / 1000)
    }

    /// Carries out a command that reads from the primary. libmongoc sends it once more if its connection breaks.
    func read(_ command: MongoDocument, level: String? = nil) throws -> MongoDocument {
        var command = command
        command["maxTimeMS"] = .int64(milliseconds)
        if let level { command["readConcern"] = .document(["level": .string(level)]) }
        return try run(command, isWrite: false).get()
    }

    /// Carries out a command that writes, and returns once the write is confirmed as the configuration asks.
    func write(_ command: MongoDocument) throws -> MongoDocument {
        try writeOnce(command, session: nil).get()
    }

    /// The same, and sends it again if its connection breaks or the primary steps down.
    ///
    /// It has a number in a session, by which the servers know it again: they apply it once, and answer the second time what
    /// they answered the first. (libmongoc does that for some functions of its own, and not for commands.)
    func writeRetrying(_ command: MongoDocument) throws -> MongoDocument {
        guard let session = CMongoC_session(client) else { return try write(command) }
        defer { mongoc_client_session_destroy(session) }
        var command = command
        command["txnNumber"] = .int64(Self.numbers.add(1, ordering: .relaxed).newValue)
        var attempt = writeOnce(command, session: session)
        for _ in 0..<Self.retryLimit where attempt.isRetryable && ContinuousClock.now < deadline {
            // It waits for a server that takes writes.
            attempt = writeOnce(command, session: session)
        }
        return try attempt.get()
    }

    /// How often a write is sent again: one that meets an election may meet the next one too.
    private static let retryLimit = 3

    /// A session's numbers have to grow, and those of all sessions here do.
    private static let numbers = Atomic<Int64>(0)

    private func writeOnce(_ command: MongoDocument, session: OpaquePointer?) -> MongoAttempt {
        var (command, milliseconds) = (command, milliseconds)
        command["maxTimeMS"] = .int64(milliseconds)
        // The wait for the confirmation is to end first, as it says more.
        milliseconds = max(1, milliseconds - 10)
        let concern = settings.configuration.confirmation.writeConcern(milliseconds)
        return run(command, isWrite: true, options: MongoDocument(["writeConcern": concern]), session: session)
    }

    private func run(
        _ command: MongoDocument,
        isWrite: Bool,
        options: MongoDocument = MongoDocument(),
        session: OpaquePointer? = nil
    ) -> MongoAttempt {
        let attempt = command.withBSON { command in
            options.withBSON { options -> MongoAttempt in
                if let session, !CMongoC_appendSession(options, session) { return .failure(MongoFailure.lost) }
                var reply: OpaquePointer?
                var error = bson_error_t()
                let succeeded = CMongoC_command(client, isWrite, settings.database, command, options, &reply, &error)
                defer { CMongoC_destroy(reply) }
                let answer = reply.map { MongoDocument($0) } ?? MongoDocument()
                if let failure = answer["writeConcernError"] {
                    return .failure(MongoFailure.unconfirmed(failure), isRetryable: Self.saysRetry(answer))
                }
                guard succeeded else {
                    let isRetryable = Self.saysRetry(answer) || error.domain == MONGOC_ERROR_STREAM.rawValue
                    return .failure(MongoFailure.error(error), isRetryable: isRetryable)
                }
                return .answer(answer)
            }
        }
        guard let attempt, let attempt else { return .failure(MongoFailure.tooLarge) }
        return attempt
    }

    private static func saysRetry(_ answer: MongoDocument) -> Bool {
        answer.array("errorLabels")?.contains(.string("RetryableWriteError")) ?? false
    }
}

/// What became of a command that was sent.
private enum MongoAttempt {
    case answer(MongoDocument)
    case failure(SessionStoreError, isRetryable: Bool = false)

    var isRetryable: Bool {
        if case .failure(_, let isRetryable) = self { isRetryable } else { false }
    }

    func get() throws -> MongoDocument {
        switch self {
        case .answer(let answer): return answer
        case .failure(let error, _): throw error
        }
    }
}

extension MongoSessionStore.Configuration.Confirmation {
    func writeConcern(_ milliseconds: Int64) -> MongoValue {
        switch self {
        case .majority: .document(["w": .string("majority"), "j": .bool(true), "wtimeout": .int64(milliseconds)])
        case .primary: .document(["w": .int32(1), "j": .bool(true)])
        case .unflushed: .document(["w": .int32(1), "j": .bool(false)])
        }
    }
}
#endif
