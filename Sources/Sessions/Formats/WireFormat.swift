import HTTPTypes

/// How a credential and a record are spelled, and what it takes to change a credential.
///
/// The manager knows sessions, and no spelling of them: that of the library itself (``NativeWireFormat``) and those of
/// other systems are conformances to this protocol, each in a file of its own.
protocol WireFormat: Sendable {
    /// Whether a credential is the key of its record. A new credential is then a new key, and what a rotation replaces is
    /// worth nothing at once: there is no grace.
    var movesOnRotation: Bool { get }

    /// Whether a record says itself when the session ends, so that moving that takes writing it.
    var recordsSayDeadline: Bool { get }

    /// What a request presents. No I/O.
    func presentation(in fields: HTTPFields) -> Presentation

    /// The handle of the session whose record is at `key`; `nil` if no session's is.
    func handle(of key: StoreKey) -> SessionHandle?

    /// A credential that nobody has had.
    func freshCredential() -> HeldCredential

    /// The `Set-Cookie` fields that give the client a credential, each with the name it is for.
    ///
    /// - Parameter maxAge: In seconds; `nil` for a cookie that ends with the browser.
    func cookies(for held: HeldCredential, maxAge: Int?, now: Timestamp) throws(CookieError) -> [NamedCookie]

    /// The fields that take the client's credential away.
    func expiredCookies() -> [NamedCookie]

    /// This format with another cookie's attributes, for one request whose settings are its own.
    ///
    /// - Throws: ``SessionConfigurationError`` if browsers would not take a cookie that goes with it.
    func with(_ cookie: SetCookieTemplate) throws(SessionConfigurationError) -> any WireFormat

    /// Whether the ids of new sessions depend on the request.
    var readsRequest: Bool { get }

    /// This format for one request.
    func following(_ request: CookieRequest) -> any WireFormat

    /// The attributes that a session's record says its cookie has; `nil` where it says nothing.
    func cookie(of record: LoadedRecord) -> SetCookieTemplate?

    /// The record with its content; `nil` if the payload cannot be opened or read. It is then left as it is.
    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord?

    /// The record with its payload.
    ///
    /// - Throws: ``SessionError/Code/tooLarge``.
    func encode(_ record: LoadedRecord) throws -> LoadedRecord
}

extension WireFormat {
    var recordsSayDeadline: Bool { false }

    var readsRequest: Bool { false }

    func following(_ request: CookieRequest) -> any WireFormat { self }

    func cookie(of record: LoadedRecord) -> SetCookieTemplate? { nil }
}

/// A `Set-Cookie` field, and the name of its cookie.
struct NamedCookie: Sendable {
    var name: CookieName
    var field: HTTPField
}
