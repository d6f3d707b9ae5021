#if Mongo
import Sessions
import SessionsTesting
import Synchronization
import Testing

/// Clients that count, log out and begin again, and remember what was answered.
final class Crowd: Sendable {
    /// What one client knows.
    private struct Client {
        var browser = SessionBrowser()
        /// What its session must say at least, and at most: between them are commits that were not answered.
        var least = 0
        var most = 0
        /// Cookies of sessions whose end was answered.
        var ended: [SessionBrowser] = []
    }

    private struct Counts {
        var commits = 0
        var failures = 0
        var logouts = 0
        var isOver = false
        var faults = 0
    }

    private let sessions: SessionManager
    private let clients: Mutex<[Client]>
    private let counts = Mutex(Counts())

    init(sessions: SessionManager, clients: Int) {
        self.sessions = sessions
        self.clients = Mutex(Array(repeating: Client(), count: clients).map { _ in Client() })
    }

    func noteFault() { counts.withLock { $0.faults += 1 } }

    var summary: String {
        counts.withLock { "\($0.commits) commits answered, \($0.logouts) logouts, \($0.failures) requests failed" }
    }

    func waitForCommits(_ number: Int) async throws {
        let goal = counts.withLock { $0.commits } + number
        try await waitUntil("\(number) more commits are answered") { self.counts.withLock { $0.commits } >= goal }
    }

    func waitForFailures(_ number: Int) async throws {
        let goal = counts.withLock { $0.failures } + number
        try await waitUntil("\(number) more requests fail") { self.counts.withLock { $0.failures } >= goal }
    }

    /// Lets the clients work until `body` returns.
    func work(whileRunning body: @Sendable () async throws -> Void) async throws {
        let count = clients.withLock(\.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    while !self.counts.withLock({ $0.isOver }) { await self.request(index) }
                }
            }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            counts.withLock { $0.isOver = true }
            try await group.waitForAll()
            try result.get()
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
                    session.update(.number) { $0 += 1 }
                    return session[.number]
                }
                if number < client.least + 1 || number > client.most {
                    Issue.record("a session says \(number), between \(client.least + 1) and \(client.most) are true")
                }
                (client.least, client.most) = (number, number)
            }
            counts.withLock { $0.commits += 1 }
        } catch {
            counts.withLock { $0.failures += 1 }
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

    /// Asks another manager for everything that was answered.
    func verify(with sessions: SessionManager) async throws {
        for client in clients.withLock({ $0 }) {
            if !client.browser.cookies.isEmpty {
                let number = try await client.browser.visit(sessions) { $0[.number] }
                #expect((client.least...client.most).contains(number))
            }
            for browser in client.ended {
                let isNew = try await browser.visit(sessions) { $0.isNew }
                #expect(isNew)
            }
        }
    }
}
#endif
