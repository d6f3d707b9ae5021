/// A kind of store operation, as ``StoreFaults`` tells them apart.
public enum StoreOperation: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// `load(_:)`
    case load
    /// `insert(_:at:)`
    case insert
    /// `replace(_:at:ifVersion:)`
    case replace
    /// `touch(_:until:ifVersion:)`
    case touch
    /// `delete(_:ifVersion:)`
    case delete
    /// `sweep(expiredBefore:limit:)`
    case sweep
    /// `entries(of:)`
    case entriesOfOwner
    /// `delete(_:ifOwner:)`
    case deleteIfOwner
    /// `epoch(of:)`
    case epoch
    /// `raiseEpoch(of:to:keptUntil:)`
    case raiseEpoch
    /// `count()`
    case count
    /// `entries(after:limit:)`
    case entries
    /// `removeAll()`
    case removeAll

    /// The operation's name.
    public var description: String { rawValue }
}

/// A call of a store, and what became of it.
public struct StoreCall: Sendable, Hashable, CustomStringConvertible {
    /// What became of a call.
    public enum Outcome: String, Sendable, Hashable {
        /// It has not returned yet.
        case pending
        /// It did what it was asked for: found, inserted, replaced, touched, deleted.
        case yes
        /// It found nothing to do it to, or the key taken.
        case no
        /// A replace found another version.
        case conflict
        /// It failed before the store was asked: nothing was applied.
        case failedBefore
        /// It was applied, and its reply was lost.
        case replyLost
        /// The store itself threw.
        case failed
    }

    /// What was called.
    public let operation: StoreOperation

    /// What became of it.
    public internal(set) var outcome: Outcome

    /// The operation's name and the outcome's.
    public var description: String { "\(operation): \(outcome)" }
}
