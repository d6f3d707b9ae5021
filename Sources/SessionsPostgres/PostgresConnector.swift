#if Postgres
import Foundation
import Sessions
import Synchronization

/// Opens connections one after the other, on a thread of its own.
///
/// After an attempt that failed there is a pause, longer after each one, and random, so that the processes of a service do not
/// all come back to a server in the same moment.
final class PostgresConnector: Sendable {
    private let opener: PostgresOpener
    private let wanted = DispatchSemaphore(value: 0)
    private let isClosed = Atomic(false)

    private static let longestPause = Duration.seconds(1)

    init(_ opener: PostgresOpener) { self.opener = opener }

    /// Asks for one attempt.
    func want() { wanted.signal() }

    /// Ends ``run(_:)``, after the attempt that is under way.
    func close() {
        isClosed.store(true, ordering: .relaxed)
        wanted.signal()
    }

    /// Makes an attempt for each time that one is asked for, and hands over what came of it; blocks until closed.
    func run(_ deliver: (Result<PostgresLink, SessionStoreError>) -> Void) {
        var pause = Duration.zero
        while true {
            wanted.wait()
            if pause > .zero { Thread.sleep(forTimeInterval: pause.seconds * Double.random(in: 0.5...1)) }
            if isClosed.load(ordering: .relaxed) { return }
            do {
                let link = try opener.open()
                pause = .zero
                deliver(.success(link))
            } catch {
                pause = min(max(pause * 2, .milliseconds(50)), Self.longestPause)
                deliver(.failure(error as? SessionStoreError ?? PostgresFailure.lost))
            }
        }
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(wholeMicroseconds) / 1_000_000 }
}
#endif
