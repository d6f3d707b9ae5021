/// The session of one request: what a handler reads, changes and ends.
///
/// Reading and changing are synchronous and touch memory alone; what changed is written when the exchange commits.
/// A session may be used from several tasks of its request at once. Printing it shows nothing of it.
///
/// ```swift
/// let session = try await context.session
/// session.update(.visits) { $0 += 1 }
/// let visits = session[.visits]
/// ```
///
/// There is no setter on the subscript: `session[.visits] += 1` would lose another request's change silently, so it
/// does not compile. Say ``update(_:_:)`` where the new value depends on the old one, and ``set(_:to:)`` where the last
/// writer may win.
public struct Session: Sendable, CustomStringConvertible, CustomReflectable {
    let exchange: SessionExchange

    /// Nothing of the session: what it holds is its visitor's (checklist CR-14).
    public var description: String { "Session(redacted)" }

    /// Empty.
    public var customMirror: Mirror { Mirror(self, children: []) }

    // MARK: Reading

    /// The value of `key`, or its default if the session has none.
    ///
    /// A value that does not decode is left as it is and the default is read; ``SessionEvent/Kind/undecodable(_:)`` says
    /// so.
    public subscript<Value>(key: SessionKey<Value>) -> Value {
        let values = exchange.look().content.values
        if let value = values.value(key.valueName, as: Value.self) { return value }
        if values.contains(key.valueName) { exchange.manager.emit(.undecodable(key.name), handle) }
        return key.defaultValue
    }

    /// Whether the session has a value under `key`, decodable or not.
    public func contains<Value>(_ key: SessionKey<Value>) -> Bool {
        exchange.look().content.values.contains(key.valueName)
    }

    /// The names of all values, in the order in which they were first written.
    public var names: [String] {
        exchange.look().content.values.entries.map(\.name.text)
    }

    // MARK: Changing

    /// Sets the value of `key`. The last writer of a key wins; setting `nil` removes it.
    ///
    /// A value that equals what is stored is no change. A value that cannot be encoded makes the commit throw
    /// ``SessionError/Code/unencodable``, and the session stays as it was.
    public func set<Value>(_ key: SessionKey<Value>, to value: Value) {
        if let optional = value as? any OptionalValue, optional.isNil { return remove(key) }
        record(named: key.valueName) { try $0.values.set(key.valueName, to: value) }
    }

    /// Removes the value of `key`, whatever its type.
    public func remove<Value>(_ key: SessionKey<Value>) {
        record(named: key.valueName) { $0.values.remove(key.valueName) }
    }

    /// Changes the value of `key` in place. Never loses another request's change: if one was faster, `change` runs again
    /// on the newer value.
    ///
    /// `change` may run more than once and on any thread: it should do nothing but change its argument. It runs outside
    /// every lock, and may read the session, but not change it otherwise (``SessionError/Code/nestedChange``). If it throws, nothing is recorded; if it throws when it runs again, the commit throws that error.
    public func update<Value, Failure: Error>(
        _ key: SessionKey<Value>,
        _ change: @escaping @Sendable (inout Value) throws(Failure) -> Void
    ) throws(Failure) {
        let outcome = record(named: key.valueName) { content in
            var value = content.values.value(key.valueName, as: Value.self) ?? key.defaultValue
            do throws(Failure) {
                try change(&value)
            } catch {
                throw ChangeFailure(error: error)
            }
            if let optional = value as? any OptionalValue, optional.isNil {
                content.values.remove(key.valueName)
            } else {
                try content.values.set(key.valueName, to: value)
            }
        }
        if let failure = outcome as? ChangeFailure<Failure> { throw failure.error }
    }

    /// Records a change and makes it on the working content, outside the lock; again if another task was faster.
    ///
    /// - Returns: what the change threw, if that is the caller's to hear.
    @discardableResult
    func record(
        named name: ValueName?,
        _ apply: @escaping @Sendable (inout SessionContent) throws -> Void
    ) -> (any Error)? {
        guard exchange.replayed == nil else {
            exchange.carryOut { _ in }
            return nil
        }
        let operation = Operation(name: name, apply: apply)
        while true {
            let (before, moment) = exchange.look()
            var content = before
            do {
                try exchange.make(operation, &content)
            } catch let error as any CallerFailure {
                return exchange.withState { $0.isEnded } ? nil : error
            } catch {
                exchange.carryOut { $0.fail(.unencodable(error)) }
                return nil
            }
            let isDone = exchange.withState { state in
                state.isEnded || state.record(operation, making: content, at: moment)
            }
            if isDone { return nil }
        }
    }
}

/// What a caller's own closure threw: it goes back to the caller as it is.
protocol CallerFailure: Error {
    /// The caller's error.
    var caught: any Error { get }
}

/// The error of an update's closure.
struct ChangeFailure<Failure: Error>: CallerFailure {
    let error: Failure
    var caught: any Error { error }
}

/// Tells a `nil` behind a generic parameter.
protocol OptionalValue {
    var isNil: Bool { get }
}

extension Optional: OptionalValue {
    var isNil: Bool {
        if case .none = self { true } else { false }
    }
}
