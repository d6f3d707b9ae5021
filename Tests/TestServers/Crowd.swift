package import Sessions
import SessionsTesting
import Synchronization

/// Clients that count, log out and begin again while servers fail, and remember what they were answered.
package final class Crowd: Sendable {
    /// What one client knows.
    private struct Client {
        var browser = SessionBrowser()
        /// What its session must say at least, and at most: between them are commits that were not answered.
        var least = 0
        var most = 0
        /// Whether a commit since the last answered one was not answered. It may be carried out while the next is on its way,
        /// which is then made again on top of it.
        var isUncertain = false
        /// How many commits were answered.
        var commits = 0
        /// Cookies of sessions whose end was answered.
        var ended: [SessionBrowser] = []
    }

    private struct Counts {
        var commits = 0
        var failures = 0
        var logouts = 0
        var isOver = false
        var violations: [String] = []
    }

    private let sessions: SessionManager
    private let clients: Mutex<[Client]>
    private let counts = Mutex(Counts())

    package init(sessions: SessionManager, clients: Int) {
        self.sessions = sessions
        self.clients = Mutex((0..<clients).map { _ in Client() })
    }

    /// What was answered, for a report.
    package var summary: String {
        counts.withLock { "\($0.commits) commits answered, \($0.logouts) logouts, \($0.failures) requests failed" }
    }

    // MARK: Waiting

    /// Waits until so many more commits are answered.
    package func waitForCommits(_ number: Int) async throws {
        let goal = counts.withLock { $0.commits } + number
        try await waitUntil("\(number) more commits are answered") { self.counts.withLock { $0.commits } >= goal }
    }

    /// Waits until each client has had a commit answered from now on.
    package func waitForEverybody() async throws {
        let before = clients.withLock { $0.map(\.commits) }
        try await waitUntil("every client commits") {
            self.clients.withLock { zip($0, before).allSatisfy { $0.commits > $1 } }
        }
    }

    /// Waits until so many more requests fail.
    package func waitForFailures(_ number: Int) async throws {
        let goal = counts.withLock { $0.failures } + number
        try await waitUntil("\(number) more requests fail") { self.counts.withLock { $0.failures } >= goal }
    }

    // MARK: Working

    /// Lets the clients work until `body` returns, and the last of their requests are answered.
    ///
    /// - Returns: what `body` does: a server that it started lives that long.
    package func work<Value: Sendable>(
        whileRunning body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let count = clients.withLock(\.count)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    while !self.counts.withLock({ $0.isOver }) { await self.request(index) }
                }
            }
            let result: Result<Value, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            counts.withLock { $0.isOver = true }
            try await group.waitForAll()
            return try result.get()
        }
    }

    private func request(_ index: Int) async {
        var client = clients.withLock { $0[index] }
        let isLogout = client.least > 0 && Int.random(in: 0..<8) == 0
        do {
            if isLogout {
                let copy = client.browser.copy()
                try await client.browser.visit(sessions) { $0.destroy() }
                client.ended.append(copy)
                (client.least, client.most) = (0, 0)
                counts.withLock { $0.logouts += 1 }
            } else {
                client.most += 1
                let number = try await client.browser.visit(sessions) { session in
                    session.update(.count) { $0 += 1 }
                    return session[.count]
                }
                if number < client.least + 1 || number > client.most {
                    violate("a session says \(number), between \(client.least + 1) and \(client.most) are true")
                }
                client.least = number
                if !client.isUncertain { client.most = number }
            }
            // Whatever was sent before has met another version by now.
            client.isUncertain = false
            client.commits += 1
            counts.withLock { $0.commits += 1 }
        } catch {
            counts.withLock { $0.failures += 1 }
            client.isUncertain = true
            if isLogout {
                // It may be over or not; a client would ask again. This one begins anew.
                client.browser = SessionBrowser()
                (client.least, client.most) = (0, 0)
            } else if client.browser.cookies.isEmpty {
                client.most = 0
            }
            // A client that was told 503 does not come back at once.
            try? await Task.sleep(for: .milliseconds(Int.random(in: 5...50)))
        }
        let known = client
        clients.withLock { $0[index] = known }
    }

    private func violate(_ text: String) { counts.withLock { $0.violations.append(text) } }

    // MARK: Looking

    /// Asks another manager for everything that was answered.
    ///
    /// - Returns: what is not as it was answered (I1), and what was answered as ended and is there (I2).
    package func violations(seenBy sessions: SessionManager) async throws -> [String] {
        for client in clients.withLock({ $0 }) {
            if !client.browser.cookies.isEmpty {
                let number = try await client.browser.visit(sessions) { $0[.count] }
                if !(client.least...client.most).contains(number) {
                    violate("at the end a session says \(number), between \(client.least) and \(client.most) are true")
                }
            }
            for browser in client.ended where try await !browser.visit(sessions, { $0.isNew }) {
                violate("a session that was logged out is there")
            }
        }
        return counts.withLock { $0.violations }
    }
}

extension SessionKey<Int> {
    fileprivate static var count: Self { Self("count", default: 0) }
}

/// Waits until something that will come to be is so; a minute at most.
///
/// - Throws: when it did not come to be.
package func waitUntil(_ what: String, _ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw TestServerError("it did not come to be that \(what)")
}
