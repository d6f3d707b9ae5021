/// What is left of a session where another system kept it, once it has moved: where it is now.
///
/// The mark is a record of the other system's format like any other, so that every format can spell it and every table
/// keep it, with one value and none of the session's own. It authenticates nothing: a credential that is led by it to a
/// session still has to be one of that session's.
enum ForwardingMark {
    static let name = ValueName("swiftMoved")

    /// The mark as a value: the handle under which the session goes on.
    private struct Value: Codable {
        var to: String
    }

    /// The handle under which the session goes on whose old record is `record`; `nil` if it has not moved.
    static func handle(in record: LoadedRecord) -> SessionHandle? {
        guard record.content.values.contains(name) else { return nil }
        return record.content.values.value(name, as: Value.self).flatMap { SessionHandle($0.to) }
    }

    /// What is left of `old`, in its place.
    ///
    /// - Parameter end: When it is of no use any more.
    static func record(_ old: LoadedRecord, to handle: SessionHandle, until end: Timestamp) throws -> LoadedRecord {
        var record = old
        record.content.values = SessionValues()
        try record.content.values.set(name, to: Value(to: handle.description))
        record.content.flash = []
        record.content.unknown = []
        record.content.authenticatedAt = nil
        record.stored.owner = nil
        record.stored.idleDeadline = end
        record.stored.absoluteDeadline = end
        return record
    }
}
