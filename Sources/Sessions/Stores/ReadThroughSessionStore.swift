/// A store that holds copies of records beside the primary.
///
/// A copy may only say yes. The manager asks for one when a request arrives and believes it if it makes the request's
/// credential a current one; whatever else a copy would make it say (superseded, expired, gone), it asks the primary.
/// Everything after the arrival (commits, `consume`, `reload()`, a lost reply) goes to the primary, which
/// ``SessionStore/load(_:)`` reads as the contract says.
///
/// A store that keeps copies says for how long a copy may be behind the primary.
public protocol ReadThroughSessionStore: SessionStore {
    /// The copy of the record at `key`, if there is one that is recent enough. No I/O.
    func copy(of key: StoreKey) -> StoredRecord?
}
