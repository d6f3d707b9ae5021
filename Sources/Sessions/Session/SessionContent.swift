/// What a handler sees and changes: the values and the flash entries of one session.
struct SessionContent: Sendable, Equatable {
    var values = SessionValues()
    var flash: [FlashEntry] = []
    var lifetime: SessionLifetime?

    init() {}

    init(_ record: RecordContent) {
        values = record.values
        flash = record.flash
        lifetime = record.lifetime
    }

    var isEmpty: Bool { values.isEmpty && flash.isEmpty }

    /// Erases what does not survive a login.
    mutating func keep(_ kept: KeptValues) {
        switch kept.choice {
        case .all: break
        case .only(let names):
            values.keepOnly(names)
            flash = []
        }
        lifetime = nil
    }
}

/// One recorded change. It can be made again on a newer record.
struct Operation: Sendable {
    /// The value it changes; `nil` if it concerns no single value.
    var name: ValueName?
    /// Makes the change.
    var apply: @Sendable (inout SessionContent) throws -> Void
}
