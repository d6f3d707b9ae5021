import HTTPTypes
public import Sessions
import Synchronization

/// A node in this process.
public struct LocalHistoryNode: HistoryNode {
    /// What managers in histories are made with: lifetimes so short that sessions die of age, and are touched, meanwhile.
    package static var configuration: SessionConfiguration {
        var configuration = SessionConfiguration()
        configuration.lifetime = SessionLifetime(idle: .seconds(10), absolute: .seconds(20))
        configuration.anonymousLifetime = configuration.lifetime
        configuration.renewalInterval = .seconds(1)
        return configuration
    }

    private let sessions: SessionManager
    private let clock: any SessionClock

    /// A node that serves with `sessions`.
    public init(_ sessions: SessionManager, clock: any SessionClock = SystemSessionClock()) {
        self.sessions = sessions
        self.clock = clock
    }

    /// Serves a request as an adapter would.
    public func serve(_ request: HistoryRequest) async -> HistoryResponse {
        var fields = HTTPFields()
        if let cookie = request.cookie { fields[.cookie] = cookie }
        let exchange = sessions.open(fields)
        let began = clock.now()
        var response = HistoryResponse(.done)
        let session: Session
        do {
            session = try await exchange.session
        } catch {
            // Nothing was asked for yet.
            response.outcome = .refused
            return response
        }
        response.isGone = exchange.report.arrival == .gone
        if !session.isNew {
            response.found = HistoryResponse.Found(
                handle: session.handle.description,
                list: session[.history],
                owner: session.owner,
                idleDeadline: session.idleDeadline.microseconds,
                absoluteDeadline: session.absoluteDeadline.microseconds,
                // A clock that steps meanwhile proves nothing.
                now: min(began, clock.now()).microseconds
            )
        }
        do {
            try await Self.act(request.action, session, &response)
            response.take(try await exchange.commit())
            response.left = session.isEnded ? nil : session.handle.description
        } catch {
            response.outcome = Self.outcome(of: request.action, error)
            response.take(exchange.fields)
            response.left = session.handle.description
            // What the handler did is dropped; what was earned is in the error.
            _ = try? await exchange.commit(.threw(carriesFields: true))
        }
        return response
    }

    private static func act(
        _ action: HistoryAction,
        _ session: Session,
        _ response: inout HistoryResponse
    ) async throws {
        switch action {
        case .read: break
        case .append(let name): session.update(.history) { $0.append(name) }
        case .appendAndSave(let name):
            session.update(.history) { $0.append(name) }
            try await session.save()
        case .put(let token): session.set(.historyToken, to: token)
        case .consume: response.consumed = try await session.consume(.historyToken)
        case .rotate(let grace): session.rotate(grace: .milliseconds(grace))
        case .logIn(let owner, let name):
            session.logIn(owner, keeping: .all)
            session.update(.history) { $0.append(name) }
        case .logOut: session.logOut()
        case .destroy: session.destroy()
        case .touch: session.touch()
        }
    }

    /// What an error says of what was asked for: see ``SessionError/Code``.
    private static func outcome(of action: HistoryAction, _ error: any Error) -> HistoryResponse.Outcome {
        guard let error = error as? SessionError else { return .unknown }
        switch error.code {
        case .outcomeUnknown: return .unknown
        case .storeUnavailable:
            // A session that was to be deleted may be alive or not.
            switch action {
            case .logOut, .destroy, .logIn: return .unknown
            default: return .refused
            }
        default: return .refused
        }
    }
}

extension SessionKey<[String]> {
    fileprivate static var history: Self { Self("history", default: []) }
}

extension SessionKey<String?> {
    fileprivate static var historyToken: Self { Self("token") }
}

extension HistoryResponse {
    fileprivate mutating func take(_ fields: SessionFields) {
        var response = HTTPResponse(status: .ok)
        fields.apply(to: &response)
        setCookies += response.headerFields[fields: .setCookie].map(\.value)
    }
}
