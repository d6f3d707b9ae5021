import Sessions

/// What many clients asked and were answered, and whether it can be true.
///
/// The history is only what clients saw: nobody looks into the store. A rule is broken if no order of events explains
/// the answers.
public struct SessionHistory: Sendable {
    /// One request and its answer.
    public struct Event: Sendable, Codable, CustomStringConvertible {
        /// The number of the client.
        public var client: Int
        /// The client's browser, of which a client may have had several.
        public var browser: Int
        /// What was asked for.
        public var action: HistoryAction
        /// The handle of the session whose credential was sent, as far as earlier answers tell.
        public var presented: String?
        /// What was answered.
        public var response: HistoryResponse
        /// When it was sent, by one clock for all.
        public var began: Duration
        /// When the answer came.
        public var ended: Duration
        /// Whether it was sent with a credential that a login, or a rotation without a grace, had replaced: so it was
        /// answered before.
        public var isReplaced: Bool

        /// Creates an event.
        public init(
            client: Int,
            browser: Int,
            action: HistoryAction,
            presented: String? = nil,
            response: HistoryResponse,
            began: Duration,
            ended: Duration,
            isReplaced: Bool = false
        ) {
            self.client = client
            self.browser = browser
            self.action = action
            self.presented = presented
            self.response = response
            self.began = began
            self.ended = ended
            self.isReplaced = isReplaced
        }

        public var description: String {
            let found = response.found.map { found in
                "found \(found.handle.prefix(6)) \(found.owner ?? "anonymous") [\(found.list.joined(separator: " "))]"
            }
            let consumed = response.consumed.map { ", consumed \($0)" } ?? ""
            let old = isReplaced ? ", replaced credential" : ""
            let none = response.isGone ? "found nothing of \(presented?.prefix(6) ?? "")" : "found no session"
            return "\(began.inMilliseconds)–\(ended.inMilliseconds) ms, client \(client), browser \(browser): "
                + "\(action)\(old) → \(response.outcome.rawValue), \(found ?? none)\(consumed)"
        }
    }

    /// A rule that was broken, and the events that show it: no fewer would.
    public struct Violation: Sendable, CustomStringConvertible {
        /// The invariant: `I1`, `I2`, `I5`, `I6` or `I7`.
        public var invariant: String
        /// What is wrong.
        public var reason: String
        /// The events, in the order of their beginning.
        public var events: [Event]

        public var description: String {
            "\(invariant): \(reason)\n" + events.map { "  \($0)" }.joined(separator: "\n")
        }
    }

    /// The events, in any order.
    public var events: [Event]

    /// Creates a history.
    public init(_ events: [Event] = []) {
        self.events = events
    }

    /// Every rule that was broken: first the ones with the fewest events, and of those the ones that took the least time.
    ///
    /// - Parameter overConfirmed: Whether what was seen counts only once it was answered: where a store's writes are
    ///   confirmed by replicas, a load may show one that is not yet, and a failover may undo that, or a touch.
    public func violations(overConfirmed: Bool = false) -> [Violation] {
        let requests = Dictionary(grouping: events.filter { $0.response.found != nil }) {
            $0.response.found?.handle ?? ""
        }
        let appends = Dictionary(grouping: events.filter { $0.appended != nil && $0.response.outcome == .done }) {
            $0.response.left ?? ""
        }
        // One after the other: as one expression it is more than the compiler takes on while the machine is busy.
        var found: [Violation] = []
        for (handle, unsorted) in requests {
            let requests = unsorted.sorted { $0.began < $1.began }
            found += lostOperations(requests, appends[handle] ?? [])
            found += forks(requests, overConfirmed)
            found += revivals(requests)
            found += mixUps(requests)
            found += movedDeadlines(requests)
            if !overConfirmed { found += rewoundDeadlines(requests) }
        }
        found += disappearances(overConfirmed)
        found += lostTokens()
        found += refusedOperations()
        found += upgrades()
        found += doubleConsumptions()
        found += livedTooLong()
        return found.map { ($0, $0.span) }
            .sorted { ($0.0.events.count, $0.1) < ($1.0.events.count, $1.1) }
            .map { $0.0 }
    }

    // MARK: I1

    private func lostOperations(_ requests: [Event], _ appends: [Event]) -> [Violation] {
        var violations: [Violation] = []
        var answered = appends.sorted { $0.ended < $1.ended }[...]
        var required: [(name: String, event: Event)] = []
        for request in requests {
            let names = Set(request.list)
            if names.count != request.list.count {
                violations.append(
                    Violation(invariant: "I1", reason: "an operation was applied twice", events: [request])
                )
            }
            while let event = answered.first, event.ended < request.began {
                answered.removeFirst()
                if let name = event.appended { required.append((name, event)) }
            }
            guard let lost = required.first(where: { !names.contains($0.name) }) else { continue }
            violations.append(
                Violation(
                    invariant: "I1",
                    reason: "\(lost.name) was answered as done, and a later request does not see it",
                    events: [lost.event, request]
                )
            )
        }
        return violations
    }

    /// What was seen once is seen ever after, in the same order, whatever its own request was told.
    private func forks(_ requests: [Event], _ overConfirmed: Bool) -> [Violation] {
        guard !overConfirmed else { return [] }
        var violations: [Violation] = []
        var earlier = requests.sorted { $0.ended < $1.ended }[...]
        var longest: Event?
        for request in requests {
            while let event = earlier.first, event.ended < request.began {
                earlier.removeFirst()
                if event.list.count >= (longest?.list.count ?? 0) { longest = event }
            }
            guard let before = longest, !request.list.starts(with: before.list) else { continue }
            violations.append(
                Violation(
                    invariant: "I1",
                    reason: "what an earlier request saw, a later one does not see",
                    events: [before, request]
                )
            )
        }
        return violations
    }

    /// A session that has a list, and that nobody has ended, is there.
    private func disappearances(_ overConfirmed: Bool) -> [Violation] {
        var kept: [String: Event] = [:]
        var ends: [String: Duration] = [:]
        for event in events {
            let isAnswered = event.appended != nil && event.response.outcome == .done
            let isSeen = !event.list.isEmpty && !overConfirmed
            for handle in Set([isAnswered ? event.response.left : nil, isSeen ? event.found : nil]) {
                guard let handle, event.ended < kept[handle]?.ended ?? .maximum else { continue }
                kept[handle] = event
            }
            // A login that is undone deletes, and so does one over another owner.
            switch event.action {
            case .destroy, .logOut, .logIn:
                for case let handle? in [event.presented, event.found, event.response.left] {
                    ends[handle] = min(ends[handle] ?? .maximum, event.began)
                }
            default: break
            }
        }
        return events.compactMap { event in
            guard event.response.isGone, let handle = event.presented, let before = kept[handle],
                before.ended < event.began, event.ended < ends[handle] ?? .maximum
            else { return nil }
            return Violation(
                invariant: "I1",
                reason: "a session that nobody has ended is gone",
                events: [before, event]
            )
        }
    }

    /// A token that was put there and that nobody may have taken is handed out.
    private func lostTokens() -> [Violation] {
        let puts = Dictionary(grouping: events.filter(\.hasPut)) { $0.response.left ?? "" }
        let takers = Dictionary(grouping: events.filter { $0.action == .consume && !$0.wasHandedNothing }) {
            $0.found ?? $0.presented ?? ""
        }
        // Of what died with its node, nobody knows what it found.
        let strays = takers[""] ?? []
        return events.compactMap { event in
            guard event.wasHandedNothing, let handle = event.found,
                let put = puts[handle]?.filter({ $0.ended < event.began }).max(by: { $0.ended < $1.ended }),
                !((takers[handle] ?? []) + strays).contains(where: { $0.began < event.ended && $0.ended > put.began })
            else { return nil }
            return Violation(
                invariant: "I1",
                reason: "a token was answered as kept, and nobody can have taken it, and it is not there",
                events: [put, event]
            )
        }
    }

    private func refusedOperations() -> [Violation] {
        let refused = Dictionary(
            events.compactMap { event in
                event.response.outcome == .refused ? event.appended.map { ($0, event) } : nil
            },
            uniquingKeysWith: { first, _ in first }
        )
        return events.compactMap { event in
            guard let refusal = event.list.lazy.compactMap({ refused[$0] }).first else { return nil }
            return Violation(
                invariant: "I1",
                reason: "\(refusal.appended ?? "") was refused, and yet it was done",
                events: [refusal, event].sorted { $0.began < $1.began }
            )
        }
    }

    // MARK: I2

    private func revivals(_ requests: [Event]) -> [Violation] {
        let ends = requests.filter { event in
            guard event.response.outcome == .done else { return false }
            switch event.action {
            case .destroy, .logOut: return true
            default: return false
            }
        }
        guard let end = ends.min(by: { $0.ended < $1.ended }) else { return [] }
        return requests.filter { $0.began > end.ended }.prefix(1).map { event in
            Violation(invariant: "I2", reason: "a destroyed session was found again", events: [end, event])
        }
    }

    // MARK: I5

    private func upgrades() -> [Violation] {
        events.filter { $0.isReplaced && $0.response.found != nil }.map { event in
            let replacement = events.filter { other in
                switch other.action {
                case .logIn, .rotate(graceMilliseconds: 0):
                    other.browser == event.browser && other.ended < event.began && other.response.outcome == .done
                default: false
                }
            }
            .max { $0.ended < $1.ended }
            return Violation(
                invariant: "I5",
                reason: "a credential was worth something that a login or a rotation without a grace had replaced",
                events: [replacement, event].compactMap(\.self)
            )
        }
    }

    /// A session is one browser's.
    private func mixUps(_ requests: [Event]) -> [Violation] {
        guard let first = requests.first, let other = requests.first(where: { $0.browser != first.browser }) else {
            return []
        }
        return [
            Violation(invariant: "I5", reason: "two browsers were answered with one session", events: [first, other])
        ]
    }

    // MARK: I6

    private func doubleConsumptions() -> [Violation] {
        Dictionary(grouping: events.filter { $0.response.consumed != nil }) { $0.response.consumed ?? "" }
            .filter { $0.value.count > 1 }
            .map { token, events in
                Violation(
                    invariant: "I6",
                    reason: "\(token) was consumed \(events.count) times",
                    events: Array(events.sorted { $0.began < $1.began }.prefix(2))
                )
            }
    }

    // MARK: I7

    private func livedTooLong() -> [Violation] {
        events.filter { event in
            guard let found = event.response.found else { return false }
            return found.now >= found.absoluteDeadline
        }
        .map { Violation(invariant: "I7", reason: "a session was found after its absolute deadline", events: [$0]) }
    }

    /// Neither a read nor a touch moves an idle deadline back.
    private func rewoundDeadlines(_ requests: [Event]) -> [Violation] {
        guard !requests.contains(where: { if case .logIn = $0.action { true } else { false } }) else { return [] }
        var earlier = requests.sorted { $0.ended < $1.ended }[...]
        var latest: Event?
        for request in requests {
            while let event = earlier.first, event.ended < request.began {
                earlier.removeFirst()
                if event.idleDeadline > latest?.idleDeadline ?? .min { latest = event }
            }
            guard let latest, request.idleDeadline < latest.idleDeadline else { continue }
            // A change writes the deadline that it was planned with, and a touch may come while it is on its way.
            let isChanging = events.contains { event in
                event.changes && (event.found ?? event.presented) == request.found && event.began < request.ended
                    && lastMoment(of: event, in: requests) > latest.began
            }
            guard !isChanging else { continue }
            return [Violation(invariant: "I7", reason: "an idle deadline went back", events: [latest, request])]
        }
        return []
    }

    /// When a change was carried out, if it was, at the latest.
    ///
    /// One whose outcome is unknown may still be on its way after its answer, but not past the end of a change that was begun
    /// after that and answered as done: it meets another version then.
    private func lastMoment(of change: Event, in requests: [Event]) -> Duration {
        guard change.response.outcome == .unknown else { return change.ended }
        return requests.filter { $0.hasWritten && $0.began >= change.ended }.map(\.ended).min() ?? .maximum
    }

    /// Only a login begins the deadlines anew.
    private func movedDeadlines(_ requests: [Event]) -> [Violation] {
        let anonymous = requests.filter { $0.response.found?.owner == nil }
        guard let first = anonymous.first else { return [] }
        let other = anonymous.first { $0.response.found?.absoluteDeadline != first.response.found?.absoluteDeadline }
        return other.map {
            [Violation(invariant: "I7", reason: "an absolute deadline has moved without a login", events: [first, $0])]
        } ?? []
    }
}

extension SessionHistory.Event {
    fileprivate var list: [String] { response.found?.list ?? [] }

    fileprivate var found: String? { response.found?.handle }

    fileprivate var idleDeadline: Int64 { response.found?.idleDeadline ?? .min }

    /// Whether it asked for the token, and was told that there is none.
    fileprivate var wasHandedNothing: Bool {
        action == .consume && response.outcome == .done && response.consumed == nil
    }

    /// Whether it may have written more than an idle deadline.
    fileprivate var changes: Bool {
        switch action {
        case .read, .touch: false
        default: true
        }
    }

    /// Whether it wrote a version of the session that it found, as was answered.
    fileprivate var hasWritten: Bool {
        guard response.outcome == .done, response.left == found else { return false }
        return switch action {
        case .append, .appendAndSave, .put: true
        case .consume: response.consumed != nil
        default: false
        }
    }

    /// Whether it put a token there, as was answered.
    fileprivate var hasPut: Bool {
        if case .put = action { response.outcome == .done } else { false }
    }

    /// The name that it asked to append.
    fileprivate var appended: String? {
        switch action {
        case .append(let name), .appendAndSave(let name), .logIn(_, let name): name
        default: nil
        }
    }
}

extension SessionHistory.Violation {
    /// From the first event's beginning to the last one's end.
    fileprivate var span: Duration {
        (events.map(\.ended).max() ?? .zero) - (events.map(\.began).min() ?? .zero)
    }
}

extension Duration {
    fileprivate static let maximum = Duration.seconds(Int64.max)

    fileprivate var inMilliseconds: String {
        let microseconds = wholeMicroseconds
        let rest = String(abs(microseconds % 1000))
        return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
    }
}
