import Crypto
import CryptoExtras

/// A password that was hashed with scrypt.
///
/// The cost is what a demonstration in a debug build can bear: 16 MiB and one lane. OWASP asks for five lanes.
struct PasswordHash: Sendable {
    private let salt: [UInt8]
    private let key: SymmetricKey

    /// A hash from its parts, both in hexadecimal digits.
    init(salt: String, key: String) {
        self.salt = Self.bytes(salt)
        self.key = SymmetricKey(data: Self.bytes(key))
    }

    /// Whether `password` is the one that was hashed. Takes its time, and as long for a wrong one as for the right one.
    func matches(_ password: String) throws -> Bool {
        let derived = try KDF.Scrypt.deriveKey(
            from: Array(password.utf8),
            salt: salt,
            outputByteCount: 32,
            rounds: 16_384,
            blockSize: 8,
            parallelism: 1
        )
        // Keys are compared in constant time.
        return derived == key
    }

    private static func bytes(_ digits: String) -> [UInt8] {
        let digits = digits.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue.map(UInt8.init) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
