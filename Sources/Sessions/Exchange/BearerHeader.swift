import HTTPTypes

/// The header transport: `Authorization: Bearer` on requests (RFC 6750 section 2.1), `Session-Credential` on responses.
///
/// It works on bytes, and looks at no more of them than a credential has.
struct BearerHeader: Sendable {
    let codec: CredentialCodec

    /// What a request has under the scheme `Bearer`.
    private enum Found {
        /// No such field; another scheme is somebody else's.
        case absent
        /// One field.
        case one(Presentation)
        /// Several `Authorization` fields, a `Bearer` among them: RFC 9110 section 11.6.2 has one. Which counts is a
        /// guess that two servers in a row may make differently.
        case several
    }

    /// What the request presents.
    func presentation(in fields: HTTPFields) -> Presentation {
        switch find(in: fields) {
        case .absent: .none
        case .one(let presentation): presentation
        case .several: .refused(.duplicate)
        }
    }

    /// Whether the request has a field of this scheme, genuine or not.
    static func isPresent(in fields: HTTPFields) -> Bool {
        var isPresent = false
        each(of: fields) { isPresent = isPresent || credential(of: $0) != nil }
        return isPresent
    }

    private func find(in fields: HTTPFields) -> Found {
        var (count, found): (Int, Presentation?) = (0, nil)
        Self.each(of: fields) { value in
            count += 1
            if let credential = Self.credential(of: value) { found = Presentation(codec.parse(credential)) }
        }
        guard let found else { return .absent }
        return count == 1 ? .one(found) : .several
    }

    private static func each(of fields: HTTPFields, _ body: (UnsafeRawBufferPointer) -> Void) {
        // The length first, as in a look-up of a cookie.
        for index in 0..<fields.count
        where fields[index].name.canonicalName.utf8.count == 13 && fields[index].name == .authorization {
            fields[index].withUnsafeBytesOfValue { body(UnsafeRawBufferPointer($0)) }
        }
    }

    /// What follows the scheme `Bearer`, whatever its case (RFC 9110 section 11.1); nothing if there is nothing, and `nil`
    /// if the scheme is another.
    private static func credential(of value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard value.count >= scheme.count, zip(value, scheme).allSatisfy({ CookieBytes.lowercased($0) == $1 }) else {
            return nil
        }
        let rest = UnsafeRawBufferPointer(rebasing: value[scheme.count...])
        guard let first = rest.first else { return rest }
        // A longer name is another scheme.
        guard !CookieBytes.isToken(first) else { return nil }
        // One space or more (RFC 9110 section 11.4), and nothing else that looks like one.
        return UnsafeRawBufferPointer(rebasing: rest.drop { $0 == 0x20 })
    }

    private static let scheme = Array("bearer".utf8)

    /// The field that gives the client a credential.
    func field(for held: HeldCredential) -> HTTPField {
        HTTPField(name: .sessionCredential, value: codec.mint(handle: held.handle, secret: held.secret))
    }

    /// The field that takes it away.
    static let none = HTTPField(name: .sessionCredential, value: "none")
}

extension Presentation {
    /// A value of the native format.
    init(_ parse: CredentialParse) {
        switch parse {
        case .malformed: self = .refused(.malformed)
        case .unverifiable: self = .refused(.unverifiable)
        case .genuine(let credential):
            self = .genuine(
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

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    // The name is a token.
    static let sessionCredential = HTTPField.Name("Session-Credential")!
}
