import Dispatch
import Hummingbird
import Synchronization

/// The accounts of the shop. A real one has a database of them.
final class Accounts: Sendable {
    private let accounts: [String: Account]
    /// What the password for an unknown name is compared with.
    private let nobody = PasswordHash(
        salt: "42346cc80969b66fed40034e274ddf57",
        key: "e1797ec62d8bb64855d1e537e5cead2977dfe69bf5c50d8e1a13bba5d99ac269"
    )
    /// Hashing is slow on purpose: it has a thread of its own and keeps none of Swift's.
    private let hashing = DispatchQueue(label: "storefront.passwords")
    private let waiting = Mutex(0)

    /// More would wait so long that they had better come again.
    private static let maximumWaiting = 64

    init() {
        accounts = Dictionary(uniqueKeysWithValues: Self.seeds.map { ($0.username, $0) })
    }

    /// The account with this username.
    subscript(username: String) -> Account? { accounts[username] }

    /// The account that these credentials open; `nil` if they open none.
    ///
    /// An unknown name costs the same work as a known one, so that the time of the answer does not tell which is which.
    func authenticate(_ username: String, _ password: String) async throws -> Account? {
        let account = accounts[username]
        let hash = account?.password ?? nobody
        let isAccepted = waiting.withLock { count in
            guard count < Self.maximumWaiting else { return false }
            count += 1
            return true
        }
        guard isAccepted else {
            throw HTTPError(
                .serviceUnavailable,
                headers: [.retryAfter: "5"],
                message: "Too many people are signing in."
            )
        }
        defer { waiting.withLock { $0 -= 1 } }
        let matches = try await withCheckedThrowingContinuation { continuation in
            hashing.async { continuation.resume(with: Result { try hash.matches(password) }) }
        }
        return matches ? account : nil
    }

    private static let seeds = [
        Account(
            username: "ada",
            name: "Ada Lovelace",
            password: PasswordHash(
                salt: "74683705761235cdc9989113cceb9de9",
                key: "7dee5b78e2fbaf20325f88a13bf2264e8ac1d410a12e46d21f4e1d69df2a0c99"
            )
        ),
        Account(
            username: "grace",
            name: "Grace Hopper",
            password: PasswordHash(
                salt: "4654501d2f33bfcbad70379bcbc06b88",
                key: "a6f19daf6d89c24d37a1cee347ee0ffb48d05dee7665c14697cdae85022be53e"
            )
        ),
        Account(
            username: "alan",
            name: "Alan Turing",
            password: PasswordHash(
                salt: "de4919f1bdfac694e339a65f67f12af4",
                key: "fe92d7a62b609faf4ae21db6992fcac19d82e19bb67ee166381cb92c8317c4b4"
            )
        ),
    ]
}
