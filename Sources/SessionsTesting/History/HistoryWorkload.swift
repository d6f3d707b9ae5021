import HTTPTypes
import Synchronization

/// Many clients that ask random things of several nodes, and write down what they were answered.
///
/// ```swift
/// let workload = HistoryWorkload(seed: 1, clients: 20)
/// let history = await workload.run(on: nodes, requests: 2000)
/// #expect(history.violations().isEmpty)
/// ```
///
/// Each browser is used by several clients at once, as tabs are. Which client asks what is decided by the seed alone; how
/// the requests interleave is up to the machine.
public struct HistoryWorkload: Sendable {
    /// Decides what is asked.
    public var seed: UInt64
    /// How many clients ask at the same time.
    public var clients: Int
    /// How many clients share a browser.
    public var clientsPerBrowser: Int
    /// How many requests a browser makes before it is given up for a new one.
    public var requestsPerBrowser: Int

    /// Creates a workload.
    public init(seed: UInt64, clients: Int = 16, clientsPerBrowser: Int = 4, requestsPerBrowser: Int = 120) {
        self.seed = seed
        self.clients = max(clients, 1)
        self.clientsPerBrowser = max(clientsPerBrowser, 1)
        self.requestsPerBrowser = max(requestsPerBrowser, 1)
    }

    /// Runs until `requests` requests were answered, or the task is cancelled.
    public func run(on nodes: [any HistoryNode], requests: Int) async -> SessionHistory {
        let requestCount = Names()
        return await run(on: nodes) { requestCount.count(upTo: requests) }
    }

    /// Runs for as long as `goesOn` answers `true` before each request.
    public func run(on nodes: [any HistoryNode], while goesOn: @escaping @Sendable () -> Bool) async -> SessionHistory {
        guard !nodes.isEmpty else { return SessionHistory() }
        let start = ContinuousClock.now
        let names = Names()
        let seats = (0..<(clients + clientsPerBrowser - 1) / clientsPerBrowser).map { _ in
            Seat(limit: requestsPerBrowser)
        }
        let events = await withTaskGroup { group in
            for client in 0..<clients {
                group.addTask { [seed] in
                    var random = SeededGenerator(seed: seed &+ UInt64(client) &* 0x9E37_79B9_7F4A_7C15)
                    let seat = seats[client % seats.count]
                    var events: [SessionHistory.Event] = []
                    while !Task.isCancelled, goesOn() {
                        let visit = seat.visit()
                        let action = Self.action(&random, names.next)
                        // Now and then somebody shows a credential that is worth nothing any more.
                        let old =
                            Int.random(in: 0..<8, using: &random) == 0 ? visit.old.randomElement(using: &random) : nil
                        let node = nodes[Int.random(in: 0..<nodes.count, using: &random)]
                        let began = ContinuousClock.now - start
                        let request = HistoryRequest(
                            old == nil ? action : .read,
                            cookie: old?.cookie ?? visit.browser.request().headerFields[.cookie]
                        )
                        let presented = request.cookie.flatMap(seat.handle)
                        let response = await node.serve(request)
                        if old == nil { seat.receive(response, to: request, of: visit) }
                        events.append(
                            SessionHistory.Event(
                                client: client,
                                browser: visit.number &* seats.count &+ client % seats.count,
                                action: request.action,
                                presented: presented,
                                response: response,
                                began: began,
                                ended: ContinuousClock.now - start,
                                isReplaced: old?.isReplaced ?? false
                            )
                        )
                    }
                    return events
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        return SessionHistory(events)
    }

    private static func action(_ random: inout SeededGenerator, _ name: () -> String) -> HistoryAction {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<30: .read
        case ..<58: .append(name())
        case ..<63: .appendAndSave(name())
        case ..<70: .put(name())
        case ..<80: .consume
        case ..<86: .rotate(graceMilliseconds: Int.random(in: 0..<2, using: &random) * 30_000)
        case ..<89: .logIn("owner-\(Int.random(in: 0..<5, using: &random))", name())
        case ..<91: .logOut
        case ..<93: .destroy
        default: .touch
        }
    }
}

/// Counts, and gives each number once as a name.
private final class Names: Sendable {
    private let count = Atomic(0)

    /// Whether fewer than `limit` were counted before this one.
    func count(upTo limit: Int) -> Bool { count.wrappingAdd(1, ordering: .relaxed).oldValue < limit }

    func next() -> String { "\(count.wrappingAdd(1, ordering: .relaxed).oldValue)" }
}

/// A place where several clients share one browser after another.
private final class Seat: Sendable {
    struct Visit: Sendable {
        let number: Int
        let browser: SessionBrowser
        /// Cookies that are worth nothing any more, as was answered.
        let old: [OldCookie]
    }

    /// A cookie that is worth nothing any more.
    struct OldCookie: Sendable {
        let cookie: String
        /// Whether the session goes on under another credential. Otherwise it has ended.
        let isReplaced: Bool
    }

    private struct State {
        var number = 0
        var requests = 0
        var browser = SessionBrowser()
        /// The latest ones of each kind.
        var replaced: [OldCookie] = []
        var ended: [OldCookie] = []
        /// Which session each cookie that was set is of.
        var handles: [String: String] = [:]
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    func visit() -> Visit {
        state.withLock { state in
            state.requests += 1
            if state.requests > limit { state = State(number: state.number + 1) }
            return Visit(number: state.number, browser: state.browser, old: state.replaced + state.ended)
        }
    }

    /// The session that a cookie is of.
    func handle(of cookie: String) -> String? { state.withLock { $0.handles[cookie] } }

    /// Takes in a response, as the browser that sent the request.
    func receive(_ response: HistoryResponse, to request: HistoryRequest, of visit: Visit) {
        if response.outcome == .done, response.found != nil, let cookie = request.cookie {
            state.withLock { state in
                guard state.number == visit.number else { return }
                switch request.action {
                case .logIn, .rotate(graceMilliseconds: 0):
                    state.replaced = [OldCookie(cookie: cookie, isReplaced: true)] + state.replaced.prefix(2)
                case .logOut, .destroy:
                    state.ended = [OldCookie(cookie: cookie, isReplaced: false)] + state.ended.prefix(2)
                default: break
                }
            }
        }
        if let handle = response.left {
            state.withLock { state in
                guard state.number == visit.number else { return }
                for value in response.setCookies { state.handles[String(value.prefix { $0 != ";" })] = handle }
            }
        }
        var fields = HTTPFields()
        for value in response.setCookies { fields.append(HTTPField(name: .setCookie, value: value)) }
        visit.browser.receive(HTTPResponse(status: .ok, headerFields: fields))
    }
}
