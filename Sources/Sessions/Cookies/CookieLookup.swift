/// What a request says under one cookie name.
///
/// The values are as the client sent them, byte for byte, and may be credentials: they show in no description.
package enum CookieLookup: Sendable {
    /// The most distinct values that are handed out (checklist PR-09).
    package static let distinctLimit = 4

    /// There is no cookie of the name.
    case absent

    /// There is one value, once or repeated.
    case one([UInt8])

    /// There are two to four distinct values, in the order of the request. Which of them came from this server, the
    /// request does not tell.
    case several([[UInt8]])

    /// There are more distinct values than that, or the request goes beyond the limits and nobody knows what is
    /// behind them.
    case tooMany
}

extension CookieLookup: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        switch self {
        case .absent: "absent"
        case .one: "one"
        case .several(let values): "several(\(values.count))"
        case .tooMany: "tooMany"
        }
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
