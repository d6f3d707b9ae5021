/// What an adapter does with a request's session beside opening its exchange and committing it.
public struct SessionOptions: OptionSet, Sendable {
    /// The options as bits.
    public let rawValue: Int

    /// Creates options from their bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The request's session is at hand as ``Session/current``, in a task-local. With several managers it is that of the
    /// first.
    public static let ambient = SessionOptions(rawValue: 1)

    /// The handler commits, with ``Session/save()``; what it has not saved when it returns is dropped and logged. An end of
    /// the session is carried out all the same, and so is a rotation that is due. A request that saves nothing does not
    /// move the idle deadline either. (Koa's `autoCommit: false`.)
    public static let explicitCommit = SessionOptions(rawValue: 2)
}
