public import Sessions
import Synchronization

/// Says what goes wrong in a ``FaultySessionStore``, and tells what was asked of it.
///
/// Every method here is about calls that are made after it. Rules for the same operation apply in the order in which
/// they were given, so that `hold` before `failBefore` waits and then fails.
///
/// ```swift
/// let faults = StoreFaults()
/// let store = FaultySessionStore(try MemorySessionStore(), faults: faults)
/// let gate = faults.hold(.replace)
/// // … start a request that changes its session …
/// try await gate.waitForArrival()
/// // … log the user out …
/// gate.open()
/// ```
public final class StoreFaults: Sendable {
    /// When a rule takes effect: before the wrapped store is asked, or after it has answered.
    public enum Moment: Sendable, Hashable {
        /// Before the wrapped store is asked.
        case before
        /// After the wrapped store has answered, before the caller learns of it.
        case after
    }

    private enum Action {
        case hold(StoreGate, Moment)
        case perform(@Sendable () async throws -> Void, Moment)
        case fail(any Error, Moment)
        case duplicate
    }

    private struct Rule {
        let operation: StoreOperation
        let action: Action
        /// Calls that pass before the rule applies, and calls that it applies to then.
        var skipped: Int
        var remaining: Int
    }

    private struct State {
        var rules: [Rule] = []
        var calls: [StoreCall] = []
        /// The number of the first call in `calls`.
        var firstNumber = 0
    }

    private let state = Mutex(State())

    /// The error of a call that fails without another one being named.
    public static let unavailable = SessionStoreError(.unavailable, "This failure was injected by a test.")

    /// Creates a plan in which nothing goes wrong.
    public init() {}

    // MARK: What goes wrong

    /// Has calls of `operation` wait at the gate that is returned.
    ///
    /// A call whose task is cancelled while it waits throws `CancellationError`.
    ///
    /// - Parameters:
    ///   - operation: Which calls wait.
    ///   - count: How many of them, from the next one on; all of them if it is `nil`.
    ///   - moment: Where they wait. After the wrapped store has answered, the reply is late and the change is made.
    public func hold(_ operation: StoreOperation, next count: Int? = nil, _ moment: Moment = .before) -> StoreGate {
        let gate = StoreGate()
        add(.hold(gate, moment), to: operation, skipping: 0, count: count)
        return gate
    }

    /// Has the next `count` calls of `operation` throw `error` without asking the wrapped store.
    public func failBefore(
        _ operation: StoreOperation,
        next count: Int = 1,
        with error: any Error = StoreFaults.unavailable
    ) {
        add(.fail(error, .before), to: operation, skipping: 0, count: count)
    }

    /// Has the next `count` calls of `operation` throw `error` after the wrapped store did what it was asked for: the
    /// reply is lost.
    public func failAfter(
        _ operation: StoreOperation,
        next count: Int = 1,
        with error: any Error = StoreFaults.unavailable
    ) {
        add(.fail(error, .after), to: operation, skipping: 0, count: count)
    }

    /// Has the next `count` calls of `operation` reach the wrapped store twice, and returns the second reply: what a
    /// database client does that sends again by itself.
    public func duplicate(_ operation: StoreOperation, next count: Int = 1) {
        add(.duplicate, to: operation, skipping: 0, count: count)
    }

    /// Performs `body` right before the wrapped store is asked, in the `call`-th call of `operation` from now on.
    ///
    /// What `body` asks of ``FaultySessionStore/base`` is not counted. An error it throws is thrown by the call.
    public func before(
        _ operation: StoreOperation,
        call: Int = 1,
        perform body: @escaping @Sendable () async throws -> Void
    ) {
        add(.perform(body, .before), to: operation, skipping: call - 1, count: 1)
    }

    /// Performs `body` right after the wrapped store has answered, in the `call`-th call of `operation` from now on.
    ///
    /// What `body` asks of ``FaultySessionStore/base`` is not counted. An error it throws is thrown by the call.
    public func after(
        _ operation: StoreOperation,
        call: Int = 1,
        perform body: @escaping @Sendable () async throws -> Void
    ) {
        add(.perform(body, .after), to: operation, skipping: call - 1, count: 1)
    }

    /// Takes back every rule.
    ///
    /// Calls that wait at a gate go on waiting for it.
    public func clear() {
        state.withLock { $0.rules = [] }
    }

    // MARK: What was asked

    /// The calls since the beginning or since ``forgetCalls()``, in the order in which they arrived.
    public var calls: [StoreCall] { state.withLock { $0.calls } }

    /// The operations of ``calls``.
    public var operations: [StoreOperation] { calls.map(\.operation) }

    /// How many calls of `operation` there were.
    public func count(of operation: StoreOperation) -> Int {
        operations.count { $0 == operation }
    }

    /// Empties ``calls``.
    public func forgetCalls() {
        state.withLock { state in
            state.firstNumber += state.calls.count
            state.calls = []
        }
    }

    // MARK: Carrying it out

    func perform<Reply: Sendable>(
        _ operation: StoreOperation,
        outcome: (Reply) -> StoreCall.Outcome,
        _ body: () async throws -> Reply
    ) async throws -> Reply {
        let (number, actions) = begin(operation)
        do { try await perform(actions, .before) } catch {
            finish(number, .failedBefore)
            throw error
        }
        let reply: Reply
        do {
            for case .duplicate in actions { _ = try await body() }
            reply = try await body()
        } catch {
            finish(number, .failed)
            throw error
        }
        do { try await perform(actions, .after) } catch {
            finish(number, .replyLost)
            throw error
        }
        finish(number, outcome(reply))
        return reply
    }

    private func perform(_ actions: [Action], _ now: Moment) async throws {
        for action in actions {
            switch action {
            case .hold(let gate, let moment) where moment == now: try await gate.pass()
            case .perform(let body, let moment) where moment == now: try await body()
            case .fail(let error, let moment) where moment == now: throw error
            default: break
            }
        }
    }

    private func add(_ action: Action, to operation: StoreOperation, skipping skipped: Int, count: Int?) {
        let rule = Rule(operation: operation, action: action, skipped: max(skipped, 0), remaining: count ?? .max)
        state.withLock { $0.rules.append(rule) }
    }

    private func begin(_ operation: StoreOperation) -> (number: Int, actions: [Action]) {
        state.withLock { state in
            var actions: [Action] = []
            for index in state.rules.indices where state.rules[index].operation == operation {
                if state.rules[index].skipped > 0 {
                    state.rules[index].skipped -= 1
                } else if state.rules[index].remaining > 0 {
                    state.rules[index].remaining -= 1
                    actions.append(state.rules[index].action)
                }
            }
            state.rules.removeAll { $0.remaining <= 0 }
            state.calls.append(StoreCall(operation: operation, outcome: .pending))
            return (state.firstNumber + state.calls.count - 1, actions)
        }
    }

    private func finish(_ number: Int, _ outcome: StoreCall.Outcome) {
        state.withLock { state in
            guard number >= state.firstNumber else { return }
            state.calls[number - state.firstNumber].outcome = outcome
        }
    }
}
