/// What a handler sees and changes: the values and the flash entries of one session.
struct SessionContent: Sendable, Equatable {
    var values = SessionValues()
    var flash: [FlashEntry] = []
    var lifetime: SessionLifetime?
    var persistence: SessionCookie.Persistence?

    init() {}

    init(_ record: RecordContent) {
        values = record.values
        flash = record.flash
        lifetime = record.lifetime
        persistence = record.persistence
    }

    var isEmpty: Bool { values.isEmpty && flash.isEmpty }

    /// What `operations`, and a login among them, make of this content.
    ///
    /// - Parameter make: makes one operation.
    func changed(
        by operations: [Operation],
        login: (login: Intent.Login, ground: Intent.Login.Ground)?,
        _ make: (Operation, inout SessionContent) throws -> Void
    ) rethrows -> SessionContent {
        var content = self
        guard let (login, ground) = login else {
            for operation in operations { try make(operation, &content) }
            return content
        }
        switch ground {
        case .ownSession:
            for operation in operations[..<login.position] { try make(operation, &content) }
        case .anonymousSession:
            for operation in operations[..<login.position] { try make(operation, &content) }
            content.keep(login.kept, of: self)
        case .nothing:
            content = SessionContent()
        }
        for operation in operations[login.position...] { try make(operation, &content) }
        return content
    }

    /// Erases what does not survive a login. A lifetime that this request has set over `before` is meant for what comes.
    private mutating func keep(_ kept: KeptValues, of before: SessionContent) {
        switch kept.choice {
        case .all: break
        case .only(let names):
            values.keepOnly(names)
            flash = []
        }
        if lifetime == before.lifetime { lifetime = nil }
        if persistence == before.persistence { persistence = nil }
    }
}

/// One recorded change. It can be made again on a newer record.
struct Operation: Sendable {
    /// The value it changes; `nil` if it concerns no single value.
    var name: ValueName?
    /// When it was recorded, as the exchange counts its verbs.
    var moment = 0
    /// Makes the change.
    var apply: @Sendable (inout SessionContent) throws -> Void
}
