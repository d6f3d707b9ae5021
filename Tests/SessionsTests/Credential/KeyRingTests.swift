import Crypto
import Foundation
import Testing

@testable import Sessions

@Suite("KeyRing")
struct KeyRingTests {
    private static func code(_ make: () throws -> KeyRing) -> SessionConfigurationError.Code? {
        #expect(throws: SessionConfigurationError.self) { try make() }?.code
    }

    private static func hex(_ key: SymmetricKey) -> String {
        key.withUnsafeBytes { bytes in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
    }

    @Test(
        "CR-05: the keys of a secret are those of RFC 5869",
        arguments: [CredentialVectors.one, CredentialVectors.two]
    )
    func derivation(vector: CredentialVectors.Key) throws {
        let key = try #require(CredentialVectors.ring(vector).keys.first)
        #expect(key.id.bytes == vector.id)
        #expect(KeyPurpose.allCases.map { Self.hex(key.key(for: $0)) } == vector.derived)
    }

    @Test("CR-05: every purpose has its own key, and none is the secret or starts with the key id")
    func separation() throws {
        // Always the same: of a random one, a key starts with the id in one of some million runs.
        let secret = try SessionSecret(encoded: CredentialVectors.one.secret)
        let key = try #require(KeyRing([secret]).keys.first)
        var all = KeyPurpose.allCases.map { Self.hex(key.key(for: $0)) }
        all.append(Self.hex(secret.key))
        #expect(Set(all).count == 6)
        let id = Self.hex(SymmetricKey(data: key.id.bytes))
        #expect(all.allSatisfy { !$0.hasPrefix(id) })
    }

    @Test("CF-03: an empty ring is refused")
    func empty() {
        #expect(Self.code { try KeyRing([]) } == .emptyKeyRing)
    }

    @Test("CF-03: the same secret twice is refused, however it is spelled")
    func duplicates() throws {
        let one = try SessionSecret(encoded: CredentialVectors.one.secret)
        let two = try SessionSecret(encoded: CredentialVectors.two.secret)
        let again = try SessionSecret(bytes: try #require(Base64URL.decode(CredentialVectors.one.secret.utf8)))
        #expect(Self.code { try KeyRing([one, one]) } == .duplicateKey)
        #expect(Self.code { try KeyRing([one, two, again]) } == .duplicateKey)
    }

    @Test("CF-03: two secrets with the same key id are refused")
    func duplicateIDs() throws {
        let first = try SessionSecret(encoded: CollidingSecrets.first)
        let second = try SessionSecret(encoded: CollidingSecrets.second)
        #expect(RingKey(first).id == RingKey(second).id)
        let error = #expect(throws: SessionConfigurationError.self) { try KeyRing([first, second]) }
        #expect(error?.code == .duplicateKey)
        #expect(error?.message.contains("same key id") == true)
    }

    @Test("CF-02: only a ring made for this process says that it dies with it")
    func ephemeral() throws {
        #expect(KeyRing.ephemeral().isEphemeral)
        #expect(try !CredentialVectors.ring(CredentialVectors.one).isEphemeral)
        #expect(KeyRing.ephemeral().keys.first?.id != KeyRing.ephemeral().keys.first?.id)
    }

    // MARK: The environment

    @Test(
        "A ring is read from the environment, in its order",
        arguments: [",", "\n", "\r\n", " , ", ",\n,", "\t\n \n"]
    )
    func environment(separator: String) throws {
        let name = "SESSIONS_TEST_KEYS_\(UInt64.random(in: 0 ... .max))"
        setenv(name, separator + CredentialVectors.two.secret + separator + CredentialVectors.one.secret + separator, 1)
        defer { unsetenv(name) }
        let ring = try KeyRing(environment: name)
        #expect(ring.keys.map(\.id.bytes) == [CredentialVectors.two.id, CredentialVectors.one.id])
        #expect(!ring.isEphemeral)
    }

    @Test("CF-02: a variable that is missing or blank is refused, with its name", arguments: [nil, "", " ,\n"])
    func missingEnvironment(value: String?) throws {
        let name = "SESSIONS_TEST_KEYS_\(UInt64.random(in: 0 ... .max))"
        if let value { setenv(name, value, 1) }
        defer { unsetenv(name) }
        let error = #expect(throws: SessionConfigurationError.self) { try KeyRing(environment: name) }
        #expect(error?.code == .missingSecret)
        #expect(error?.message.contains(name) == true)
        #expect(error?.message.contains("openssl rand -base64 32") == true)
    }

    @Test("I9: a refusal says which secret is wrong and nothing of its text")
    func errorText() throws {
        let name = "SESSIONS_TEST_KEYS_\(UInt64.random(in: 0 ... .max))"
        setenv(name, "\(CredentialVectors.one.secret),hunter2hunter2", 1)
        defer { unsetenv(name) }
        let error = try #require(#expect(throws: SessionConfigurationError.self) { try KeyRing(environment: name) })
        #expect(error.code == .weakSecret)
        #expect(error.message.contains("Secret 2"))
        #expect(error.message.contains(name))
        #expect(!"\(error)".contains("hunter2"))
        #expect(!"\(error)".contains(CredentialVectors.one.secret.prefix(8)))
    }

    // MARK: A file

    private static func withFile<Result>(
        _ content: String,
        mode: mode_t = 0o600,
        _ body: (String) throws -> Result
    ) throws -> Result {
        let path = NSTemporaryDirectory() + "sessions-test-keys-\(UInt64.random(in: 0 ... .max))"
        try Data(content.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(chmod(path, mode) == 0)
        return try body(path)
    }

    @Test("A ring is read from a file: one secret a line, comments and empty lines ignored")
    func file() throws {
        let content = """
            # sessions of the storefront

            \(CredentialVectors.two.secret)  # since May\r
              \(CredentialVectors.one.secret)=
            #\(CredentialVectors.one.secret)
            """
        let ring = try Self.withFile(content) { try KeyRing(file: $0) }
        #expect(ring.keys.map(\.id.bytes) == [CredentialVectors.two.id, CredentialVectors.one.id])
        #expect(!ring.isEphemeral)
    }

    @Test(
        "A file that others have any right to is refused, and the message says how to change that",
        arguments: [0o640, 0o604, 0o644, 0o620, 0o602, 0o610, 0o601, 0o444] as [mode_t]
    )
    func openFile(mode: mode_t) throws {
        try Self.withFile(CredentialVectors.one.secret, mode: mode) { path in
            let error = #expect(throws: SessionConfigurationError.self) { try KeyRing(file: path) }
            #expect(error?.code == .exposedSecret)
            #expect(error?.message.contains("chmod 600") == true)
            #expect(error?.message.contains("defaultMode: 0400") == true)
            #expect(error?.message.contains("0\(String(mode, radix: 8))") == true)
            #expect(error?.message.contains(path) == true)
            #expect(error?.message.contains(CredentialVectors.one.secret.prefix(8)) == false)
        }
    }

    @Test(
        "A file that its group may read is accepted where that was said",
        arguments: [0o640, 0o440, 0o600] as [mode_t]
    )
    func groupFile(mode: mode_t) throws {
        try Self.withFile(CredentialVectors.one.secret, mode: mode) { path in
            let ring = try KeyRing(file: path, access: .ownerAndGroup)
            #expect(ring.keys.count == 1)
        }
    }

    @Test(
        "A file that its group may write, or that all may read, is refused all the same",
        arguments: [0o660, 0o644, 0o604, 0o650, 0o641, 0o642, 0o444] as [mode_t]
    )
    func groupFileTooOpen(mode: mode_t) throws {
        try Self.withFile(CredentialVectors.one.secret, mode: mode) { path in
            let error = #expect(throws: SessionConfigurationError.self) {
                try KeyRing(file: path, access: .ownerAndGroup)
            }
            #expect(error?.code == .exposedSecret)
            #expect(error?.message.contains("chmod 640") == true)
        }
    }

    @Test("CF-03: a file of comments is an empty ring", arguments: ["", "\n\n", "# nothing\n", " \t\r\n#"])
    func emptyFile(content: String) throws {
        try Self.withFile(content) { path in
            #expect(Self.code { try KeyRing(file: path) } == .emptyKeyRing)
        }
    }

    @Test("A file that is not there, is a directory, a pipe or far too large is refused")
    func unreadableFile() throws {
        let missing = NSTemporaryDirectory() + "sessions-test-keys-\(UInt64.random(in: 0 ... .max))"
        #expect(Self.code { try KeyRing(file: missing) } == .missingSecret)
        #expect(Self.code { try KeyRing(file: NSTemporaryDirectory()) } == .missingSecret)
        #expect(mkfifo(missing, 0o600) == 0)
        #expect(Self.code { try KeyRing(file: missing) } == .missingSecret)
        #expect(unlink(missing) == 0)
        try Self.withFile(String(repeating: "#", count: 100_000)) { path in
            #expect(Self.code { try KeyRing(file: path) } == .missingSecret)
        }
    }
}
