#if Postgres
import Sessions

/// Opens connections: connects, checks what the server promises, and prepares the statements.
///
/// All of it blocks, and runs on the thread of the ``PostgresConnector``.
struct PostgresOpener: Sendable {
    let info: PostgresConnectionInfo
    let configuration: PostgresSessionStore.Configuration
    let tables: any PostgresTables

    /// The first connection of a store: migrates, or refuses what cannot be migrated.
    func openFirst() throws -> PostgresLink {
        try info.checkService(configuration.serverVerification)
        let link = try PostgresLink(info)
        try setUp(link)
        try checkPooler(link)
        try tables.make(link)
        try prepare(link)
        return link
    }

    /// Every later connection.
    func open() throws -> PostgresLink {
        let link = try PostgresLink(info)
        try setUp(link)
        try prepare(link)
        return link
    }

    // MARK: The server

    /// Makes the connection independent of what role, database and server have set, and checks the confirmation setting.
    ///
    /// The time zone is left as it is unless the tables depend on it. Where the role may not see every row, a statement is an error
    /// and does not find less.
    private func setUp(_ link: PostgresLink) throws {
        let milliseconds = max(1, configuration.deadline.wholeMicroseconds / 1000)
        let rows = try link.query(
            """
            SET search_path = pg_catalog; SET default_transaction_isolation = 'read committed'; \
            SET default_transaction_read_only = off; SET default_transaction_deferrable = off; \
            SET statement_timeout = \(milliseconds); SET lock_timeout = 0; SET client_min_messages = warning; \
            SET row_security = off; \
            SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('fsync'), \
            current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), \
            pg_catalog.pg_is_in_recovery()
            """,
            until: .now + configuration.connectDeadline
        )
        guard let row = rows.first, row.count == 6 else { throw PostgresFailure.foreign }
        // Whatever led here: a standby shows what was true a moment ago.
        guard row[5] == "f" else { throw PostgresFailure.standby }
        guard let version = row[0].flatMap({ Int($0) }), version >= 130_000 else {
            throw PostgresFailure.oldServer(row[1] ?? "")
        }
        let commit: String?
        switch configuration.confirmation {
        case .standbys:
            guard row[2] == "on" else { throw PostgresFailure.noFsync }
            guard row[4]?.isEmpty == false else { throw PostgresFailure.noStandby }
            commit = row[3] == "remote_apply" ? nil : "on"
        case .flushed:
            guard row[2] == "on" else { throw PostgresFailure.noFsync }
            // The server's own settings may ask for more than its disk, and then they stay.
            commit = row[3] == "off" ? "on" : nil
        case .unflushed, .unlogged: commit = "off"
        }
        if let commit {
            try link.query("SET synchronous_commit = '\(commit)'", until: .now + configuration.connectDeadline)
        }
        if let settings = tables.settings {
            try link.query(settings, until: .now + configuration.connectDeadline)
        }
    }

    /// Refuses a pooler that lends a server's connection for one transaction: what was set up and prepared is then another
    /// program's, and this one works without it.
    ///
    /// A pooler gives its clients process numbers of its own making, so that without one there is nothing to find out. With one,
    /// a second connection takes whatever is free while a transaction is open on it: the first one must still be where it was.
    private func checkPooler(_ link: PostgresLink) throws {
        let end = ContinuousClock.now + configuration.connectDeadline
        func server(_ link: PostgresLink, _ prefix: String = "") throws -> String? {
            try link.query("\(prefix)SELECT pg_catalog.pg_backend_pid()", until: end).first?.first ?? nil
        }
        guard let first = try server(link), first != link.processID else { return }
        let second = try PostgresLink(info)
        do {
            guard try server(second, "BEGIN; ") != first else { throw PostgresFailure.pooled }
        } catch let error as SessionStoreError where error.code == .timedOut {
            // There is no more than one connection, and it stays with the first.
            return
        }
        guard try server(link) == first else { throw PostgresFailure.pooled }
    }

    private func prepare(_ link: PostgresLink) throws {
        try link.prepare(tables.statements, until: .now + configuration.connectDeadline)
    }
}
#endif
