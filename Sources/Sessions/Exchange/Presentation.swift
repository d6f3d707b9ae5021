import HTTPTypes

/// The credential that a request presents, as far as can be told without the store.
enum Presentation: Sendable {
    case none
    /// A cookie that is not one of ours.
    case refused(Arrival)
    /// A genuine credential.
    case genuine(HeldCredential)
    /// Several genuine credentials under one name.
    case several([HeldCredential])

    init(_ fields: HTTPFields, name: CookieName, codec: CredentialCodec) {
        switch CookieHeader(fields).lookup(name) {
        case .absent: self = .none
        case .one(let value): self = Self.verify(value, codec)
        case .tooMany: self = .refused(.duplicate)
        case .several(let values):
            // A name that browsers keep to one host and one path cannot come twice: somebody planted one (PR-09).
            guard !name.isHostOnly else {
                self = .refused(.duplicate)
                return
            }
            let genuine = values.compactMap { value -> HeldCredential? in
                guard case .genuine(let credential) = Self.verify(value, codec) else { return nil }
                return credential
            }
            self = genuine.isEmpty ? .refused(.duplicate) : .several(genuine)
        }
    }

    private static func verify(_ value: [UInt8], _ codec: CredentialCodec) -> Presentation {
        switch codec.parse(value) {
        case .malformed: return .refused(.malformed)
        case .unverifiable: return .refused(.unverifiable)
        case .genuine(let credential):
            return .genuine(
                HeldCredential(
                    handle: credential.handle,
                    secret: credential.secret,
                    hash: credential.secret.hash,
                    isUnderFirstKey: credential.isUnderFirstKey
                )
            )
        }
    }
}
