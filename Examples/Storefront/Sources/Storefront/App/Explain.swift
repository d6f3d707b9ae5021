import Hummingbird
import Sessions
import Synchronization

/// Prints one line a request: method, path and status, and what the session layer did and why.
///
/// ```
/// POST /cart/add 303 · loaded: found · committed: replaced · cookie: unchanged · 2 round trips
/// ```
struct Explain: RouterMiddleware {
    typealias Context = ShopContext

    @TaskLocal private static var note: Note?

    /// Takes the report of the session middleware, which runs inside this one.
    @Sendable static func take(_ report: ExchangeReport, of request: Request) {
        note?.report.withLock { $0 = report }
    }

    func handle(
        _ request: Request,
        context: ShopContext,
        next: (Request, ShopContext) async throws -> Response
    ) async throws -> Response {
        let note = Note()
        do {
            let response = try await Self.$note.withValue(note) { try await next(request, context) }
            note.print(request, response.status)
            return response
        } catch {
            note.print(request, (error as? any HTTPResponseError)?.status ?? .internalServerError)
            throw error
        }
    }

    /// What is known about one request.
    private final class Note: Sendable {
        let report = Mutex<ExchangeReport?>(nil)

        func print(_ request: Request, _ status: HTTPResponse.Status) {
            let head = "\(request.method.rawValue) \(request.uri.path) \(status.code)"
            let report = self.report.withLock { $0 }
            Console.line("\(head) · \(report.map(Explain.describe) ?? "no session middleware")")
        }
    }

    private static func describe(_ report: ExchangeReport) -> String {
        let loaded = report.arrival.map { "loaded: \($0.rawValue)" } ?? "never asked for"
        let cookie = report.cookie.map { "cookie: \($0.rawValue)" } ?? "cookie: unchanged"
        var parts = [loaded, "committed: \(report.commit.rawValue)", cookie]
        if report.conflicts > 0 { parts.append("\(report.conflicts) lost race\(report.conflicts == 1 ? "" : "s")") }
        if report.consumed > 0 { parts.append("\(report.consumed) consumed") }
        parts.append("\(report.roundTrips) round trip\(report.roundTrips == 1 ? "" : "s")")
        return parts.joined(separator: " · ")
    }
}
