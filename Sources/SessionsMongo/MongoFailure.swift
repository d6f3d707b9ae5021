#if Mongo
import CMongoC
import Sessions

/// What went wrong, in words that say what to change.
///
/// Of what the server says only its number is repeated: its texts may quote keys and values.
enum MongoFailure {
    /// The error for a command that failed.
    static func error(_ error: bson_error_t) -> SessionStoreError {
        switch error.domain {
        case MONGOC_ERROR_SERVER_SELECTION.rawValue: return notConnected(error)
        case MONGOC_ERROR_STREAM.rawValue: return lost
        case MONGOC_ERROR_CLIENT.rawValue where error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE.rawValue:
            return server(18)
        case MONGOC_ERROR_SERVER.rawValue, MONGOC_ERROR_QUERY.rawValue, MONGOC_ERROR_COMMAND.rawValue,
            MONGOC_ERROR_WRITE_CONCERN.rawValue:
            return server(Int64(error.code))
        case MONGOC_ERROR_BSON.rawValue: return tooLarge
        default: return lost
        }
    }

    /// The error for a number of the server's.
    static func server(_ number: Int64) -> SessionStoreError {
        let (code, message) = explanation(of: number)
        return SessionStoreError(code, "\(message) (MongoDB error \(number))")
    }

    private static func explanation(of number: Int64) -> (SessionStoreError.Code, String) {
        switch number {
        case 50, 262, 89, 202:
            (
                .timedOut,
                "MongoDB did not finish a command within the deadline. Look at its load and at its replication, or raise "
                    + "deadline."
            )
        case 13, 11, 18, 8000, 31, 334:
            (
                .notPermitted,
                "MongoDB refuses the user, the password, or access to the database. Correct the connection string (authSource "
                    + "too), or give the user the role readWrite on the database."
            )
        case 10107, 13435, 13436, 11600, 11602, 189, 91, 6, 7, 9001, 133:
            (
                .unavailable,
                "The server is stopping or not the primary, and no other one took over in time. Look at the replica set's "
                    + "state."
            )
        case 24, 46, 112:
            (
                .locked,
                "Another operation on the collection of sessions did not end in time. Look for long ones (currentOp)."
            )
        case 14031, 12501, 8010: (.full, "MongoDB has no space left. Free some on the volume of its data directory.")
        case 146: (.full, "MongoDB is out of memory. Look at the server's log.")
        case 121, 10334, 17280, 66, 197, 85, 86:
            (
                .unusable,
                "The collection of sessions does not take what this package writes. Look for validators and indexes that were "
                    + "added to it."
            )
        case 20, 123, 148, 79, 100:
            (
                .unusable,
                "The servers do not do what confirmation and reads ask for: there are too few of them, or they are no replica "
                    + "set. Open the store again if they were reconfigured."
            )
        case 225, 305, 10320: (.unusable, "MongoDB found damaged data. Look at the server's log.")
        default: (.unavailable, "MongoDB could not carry out a command. Look at the server's log.")
        }
    }

    /// A write that the server carried out and did not confirm.
    static func unconfirmed(_ failure: MongoValue) -> SessionStoreError {
        var number: Int64 = 0
        if case .document(let document) = failure { number = document["code"]?.integer ?? 0 }
        if number == 79 || number == 100 { return server(number) }
        return SessionStoreError(
            .timedOut,
            "A write was not confirmed as confirmation asks, and may come to be or be undone. Look at the replica set's state: "
                + "a majority has to keep up with the primary. (MongoDB error \(number))"
        )
    }

    /// No server could be reached; libmongoc says why, with addresses and without passwords.
    static func notConnected(_ error: bson_error_t) -> SessionStoreError {
        var error = error
        let text = withUnsafePointer(to: &error) { String(cString: CMongoC_message($0)) }
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        // libmongoc has one error for a server that is not there and for one that refuses the user.
        let isRefused = line.lowercased().contains("authentication failed")
        return SessionStoreError(
            isRefused ? .notPermitted : .unavailable,
            "No MongoDB primary could be reached. See that the servers run, that a majority of them sees each other, and that "
                + "the connection string is right: \(line)"
        )
    }

    static let lost = SessionStoreError(
        .unavailable,
        "The connection to MongoDB was lost, or did not answer, while a call was under way. Look at the server's log; the store "
            + "connects again by itself."
    )

    static let closed = SessionStoreError(
        .unavailable,
        "The store is closed. Call close() after the last request."
    )

    static let foreign = SessionStoreError(
        .unusable,
        "The collection of sessions holds what this package does not write. Use a collection that nobody else changes."
    )

    static let foreignSession = SessionStoreError(
        .unusable,
        "A document's session is kept in another way than the store was told: a text by default, a document with stringify "
            + "false, an encrypted text with encryption. Pass what Node has."
    )

    static let tooLarge = SessionStoreError(
        .unusable,
        "A record is larger than a BSON document may be. Keep less in a session."
    )

    static func overloaded(_ limit: Int) -> SessionStoreError {
        SessionStoreError(
            .unavailable,
            "MongoDB does not keep up: \(limit) calls wait for a connection already. Look at the server, or raise queueLimit "
                + "if so many requests at once are to be expected."
        )
    }

    static func unanswered(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "MongoDB did not answer within \(deadline), or no connection became free. Look at the server and the network, or "
                + "raise deadline or connectionLimit if they are known to be slow or busy."
        )
    }

    static func notClosed(after deadline: Duration) -> SessionStoreError {
        SessionStoreError(
            .timedOut,
            "The store could not be closed within \(deadline), because MongoDB does not answer the calls that are under way. "
                + "End the process, or call close() again."
        )
    }

    static let oldServer = SessionStoreError(.unusable, "This MongoDB server is too old. Use MongoDB 4.4 or later.")

    static func foreignCollection(_ name: String) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "\(name) is another program's collection, or a view, a capped or a collated one, and was left as it is. Choose "
                + "another collection."
        )
    }

    static func otherIndex(_ name: String, _ field: String, _ seconds: Int64) -> SessionStoreError {
        SessionStoreError(
            .unusable,
            "The index of \(name) that collects records, or the one that finds an owner's, was made with other settings. Set "
                + "collectAfter to what it was, or carry out db.runCommand({collMod: \"\(name)\", index: {keyPattern: "
                + "{\(field): 1}, expireAfterSeconds: \(seconds)}}), or drop the index: the store makes it again."
        )
    }
}
#endif
