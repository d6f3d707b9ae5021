/// Somebody who may sign in.
struct Account: Sendable {
    /// What the account is called in forms, and its owner id in sessions.
    let username: String
    /// What the pages call its owner.
    let name: String
    /// The password, hashed.
    let password: PasswordHash
}
