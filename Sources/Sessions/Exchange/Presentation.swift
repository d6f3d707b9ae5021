import HTTPTypes

/// The credential that a request presents, as far as can be told without the store.
enum Presentation: Sendable {
    case none
    /// A cookie that is not one of ours.
    case refused(Arrival)
    /// A cookie of another system that its format does not accept. It is left alone.
    case ignored(Arrival)
    /// A genuine credential.
    case genuine(HeldCredential)
    /// Several genuine credentials under one name.
    case several([HeldCredential])

    /// What a request presents in the cookie `name`.
    ///
    /// - Parameter verify: tells what one value is, which is ``refused(_:)`` or ``genuine(_:)``.
    init(_ fields: HTTPFields, name: CookieName, verify: ([UInt8]) -> Presentation) {
        switch CookieHeader(fields).lookup(name) {
        case .absent: self = .none
        case .one(let value): self = verify(value)
        case .tooMany: self = .refused(.duplicate)
        case .several(let values):
            // A name that browsers keep to one host and one path cannot come twice: somebody planted one (PR-09).
            guard !name.isHostOnly else {
                self = .refused(.duplicate)
                return
            }
            let genuine = values.compactMap { value -> HeldCredential? in
                guard case .genuine(let credential) = verify(value) else { return nil }
                return credential
            }
            self = genuine.isEmpty ? .refused(.duplicate) : .several(genuine)
        }
    }
}
