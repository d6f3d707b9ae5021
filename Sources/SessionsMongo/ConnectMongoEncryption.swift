#if Mongo
import Crypto
import CryptoExtras
import Foundation
public import Sessions

/// connect-mongo's `cryptoAdapter` made by its WebCrypto helper: AES-256 under a key that is stretched from a secret.
///
/// A document's `session` is then one text: the nonce (12 bytes), the ciphertext and the tag (16 bytes) of AES-GCM, or the
/// initialization vector (16 bytes) and the ciphertext of AES-CBC, encoded.
///
/// It hides what a session holds from who can read the database. It is not tied to the session's id: who can write to the
/// database can put one session's text into another's document.
public struct ConnectMongoEncryption: Sendable, CustomStringConvertible, CustomReflectable {
    /// The cipher.
    public enum Algorithm: Sendable, Hashable {
        /// AES-GCM, the default of connect-mongo. What was changed is not opened.
        case aesGCM
        /// AES-CBC. Nobody notices what was changed: for what Node has written, until it is written anew.
        case aesCBC
    }

    /// How the bytes are written as text.
    public enum Encoding: Sendable, Hashable {
        /// The default of connect-mongo.
        case base64
        /// Without padding.
        case base64URL
        /// In lower case.
        case hexadecimal
    }

    private let key: SymmetricKey
    private let algorithm: Algorithm
    private let encoding: Encoding

    /// Stretches a secret (PBKDF2 with HMAC-SHA-256), which takes some tenths of a second.
    ///
    /// - Parameters:
    ///   - secret: The secret that Node has.
    ///   - salt: The salt that Node has. Default connect-mongo's own.
    ///   - iterations: How often it is hashed. Default 310 000, as connect-mongo's.
    ///   - algorithm: Node's cipher. Default AES-GCM.
    ///   - encoding: How Node writes the bytes. Default base64.
    /// - Throws: `SessionConfigurationError` if the secret is empty or `iterations` less than one.
    public init(
        secret: String,
        salt: String = "connect-mongo:webcrypto-default-salt",
        iterations: Int = 310_000,
        algorithm: Algorithm = .aesGCM,
        encoding: Encoding = .base64
    ) throws(SessionConfigurationError) {
        guard !secret.isEmpty else {
            throw SessionConfigurationError(.missingSecret, "Pass the secret that Node's cryptoAdapter has.")
        }
        guard iterations >= 1 else {
            throw SessionConfigurationError(
                .limit,
                "\(iterations) iterations make no key. Take the number that Node has."
            )
        }
        do {
            key = try KDF.Insecure.PBKDF2.deriveKey(
                from: Array(secret.utf8),
                salt: Array(salt.utf8),
                using: .sha256,
                outputByteCount: 32,
                unsafeUncheckedRounds: iterations
            )
        } catch {
            throw SessionConfigurationError(.limit, "No key can be made with these settings. Take those that Node has.")
        }
        self.algorithm = algorithm
        self.encoding = encoding
    }

    /// Shows no key (checklist CR-14).
    public var description: String { "ConnectMongoEncryption" }

    /// Shows no key.
    public var customMirror: Mirror { Mirror(self, children: []) }

    // MARK: Texts

    func seal(_ text: String) throws -> String {
        do {
            switch algorithm {
            case .aesGCM:
                let box = try AES.GCM.seal(Array(text.utf8), using: key)
                return encoded(Array(box.nonce) + box.ciphertext + box.tag)
            case .aesCBC:
                let vector = AES._CBC.IV()
                return encoded(Array(vector) + (try AES._CBC.encrypt(Array(text.utf8), using: key, iv: vector)))
            }
        } catch {
            throw MongoFailure.tooLarge
        }
    }

    /// What a text holds; `nil` if it was not sealed under this key.
    func open(_ text: String) -> [UInt8]? {
        guard let bytes = decoded(text) else { return nil }
        switch algorithm {
        case .aesGCM:
            guard let box = try? AES.GCM.SealedBox(combined: bytes), let opened = try? AES.GCM.open(box, using: key)
            else { return nil }
            return Array(opened)
        case .aesCBC:
            guard bytes.count > 16, let vector = try? AES._CBC.IV(ivBytes: bytes.prefix(16)),
                let opened = try? AES._CBC.decrypt(Array(bytes.dropFirst(16)), using: key, iv: vector)
            else { return nil }
            return Array(opened)
        }
    }

    private func encoded(_ bytes: [UInt8]) -> String {
        switch encoding {
        case .base64: Data(bytes).base64EncodedString()
        case .base64URL: Base64URL.encode(bytes)
        case .hexadecimal: Hexadecimal.encode(bytes)
        }
    }

    private func decoded(_ text: String) -> [UInt8]? {
        switch encoding {
        case .base64: Data(base64Encoded: text).map(Array.init)
        case .base64URL: Base64URL.decode(text.utf8)
        case .hexadecimal: Hexadecimal.bytes(text.utf8)
        }
    }
}
#endif
