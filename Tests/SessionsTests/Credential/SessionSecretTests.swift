import Foundation
import Sessions
import SessionsTesting
import Testing

@Suite("SessionSecret")
struct SessionSecretTests {
    private static let random = (0..<40).map { _ in UInt8.random(in: 128...255) }

    private static func isWeak(_ make: () throws -> SessionSecret) -> Bool {
        do {
            _ = try make()
            return false
        } catch let error as SessionConfigurationError {
            return error.code == .weakSecret && error.message.contains("openssl rand -base64 32")
        } catch {
            return false
        }
    }

    private static func repeated(_ text: String, to count: Int) -> String {
        String(String(repeating: text, count: count).prefix(count))
    }

    @Test("CF-01: bytes that are no secret are refused, and the message says what to do")
    func weakBytes() {
        let weak: [[UInt8]] = [
            [],
            [0x5A],
            Array(Self.random.prefix(31)),
            [UInt8](repeating: 0, count: 32),
            [UInt8](repeating: 0xFF, count: 64),
            Array(0..<32),
            Array((0..<64).reversed()),
            (0..<64).map { UInt8($0 % 11) &* 23 },
            Array(Self.random.prefix(16)) + Array(Self.random.prefix(16)),
            Array(Self.random.prefix(20)) + Array(Self.random.prefix(20)) + Array(Self.random.prefix(7)),
            Array(Self.random.prefix(24)) + [UInt8](repeating: 0, count: 8),
            Array("keyboard cat".utf8) + [UInt8](repeating: 0, count: 20),
            Array("changeme".utf8) + [UInt8](repeating: UInt8(ascii: "!"), count: 40),
            Array(Self.repeated("keyboard cat", to: 60).utf8),
            Array(Self.repeated("secret", to: 32).utf8),
            Array("correct horse battery staple and more".utf8),
            Array("dGhpcyBpcyBvbmx5IDMwIGJ5dGVzIG9mIHRleHQh".utf8),
            Array("My Secret: 0f9e8d7c6b5a49382716.QWERTZUIOPasdfghjkl".utf8),
        ]
        for bytes in weak {
            #expect(Self.isWeak { try SessionSecret(bytes: bytes) }, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("CF-01: random bytes are taken, and text that can carry 256 bits")
    func strongBytes() throws {
        _ = try SessionSecret(bytes: Array(Self.random.prefix(32)))
        _ = try SessionSecret(bytes: Self.random)
        _ = try SessionSecret(bytes: Array(CredentialVectors.one.secret.utf8))
    }

    @Test(
        "CF-01: text that spells no secret is refused",
        arguments: [
            "", " \n", "keyboard cat", "secret", "changeme", "x",
            repeated("keyboardcat", to: 44), repeated("secret", to: 48), repeated("changeme", to: 64),
            repeated("ChangeMe", to: 43), repeated("A", to: 43), repeated("a", to: 64), repeated("0", to: 64),
            // A start with the rest filled up.
            "2bWhx3dj51" + repeated("A", to: 33),
            "correcthorsebatterystaplecorrecthorsebatter", "CORRECT-HORSE-BATTERY-STAPLE-AND-SOME-MORE-TO-IT",
            // 24 bytes as hex: 48 digits, which base64 would take for 36 bytes.
            "9b0a3f2e7c41d85586aa17c3e0f4921bd67308ae5f1c9d24",
            // 31 bytes, and an odd number of digits.
            "d9b5a1c77763e75fe9f435384275a7e91f2a390c5c2bcaa8891d7b9b22ed14",
            "d9b5a1c77763e75fe9f435384275a7e91f2a390c5c2bcaa8891d7b9b22ed149",
            // 31 bytes as base64url.
            "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFA",
            // The same 16 bytes twice.
            "d9b5a1c77763e75fe9f435384275a7e9d9b5a1c77763e75fe9f435384275a7e9",
            // Bytes 0 to 31.
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            // A passphrase that was put through base64.
            "bXkgb3duIGxpdHRsZSBwYXNzcGhyYXNlIGZvciB0aGUgc2VydmVy",
            // Trailing bits, padding of the wrong length, white space inside, other symbols.
            "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ1", "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0==",
            "2bWhx3dj51_p9DU4QnWn6R8qOQ xcK8qoiR17myLtFJ0", "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ%",
            "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtF\u{212A}0",
        ]
    )
    func weakText(text: String) {
        #expect(Self.isWeak { try SessionSecret(encoded: text) })
    }

    @Test(
        "A secret has the same bytes however it is spelled",
        arguments: [
            "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0", "2bWhx3dj51_p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0=",
            "2bWhx3dj51/p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0", "2bWhx3dj51/p9DU4QnWn6R8qOQxcK8qoiR17myLtFJ0=\n",
            "d9b5a1c77763e75fe9f435384275a7e91f2a390c5c2bcaa8891d7b9b22ed149d",
            "\tD9B5A1C77763E75FE9F435384275A7E91F2A390C5C2BCAA8891D7B9B22ED149D\r\n",
        ]
    )
    func spellings(text: String) throws {
        #expect(try SessionSecret(encoded: text).encoded() == CredentialVectors.one.secret)
    }

    @Test("Generated secrets differ, have 256 bits and come back from their text")
    func generated() throws {
        let secrets = (0..<200).map { _ in SessionSecret.generate() }
        let texts = secrets.map { $0.encoded() }
        // One of them: in one of thirty million the letters happen to say "secret", and the text is refused.
        #expect(try SessionSecret(encoded: texts[0]).encoded() == texts[0])
        #expect(Set(texts).count == 200)
        #expect(texts.allSatisfy { $0.utf8.count == 43 })
    }

    @Test("CF-01: what `openssl rand` makes is taken, as base64 and as hex")
    func randomIsStrong() throws {
        // Always the same numbers: among a thousand texts one says "secret" by chance in twenty thousand runs.
        var random = SeededGenerator(seed: 1)
        for length in [32, 33, 34, 48, 64] {
            for _ in 0..<200 {
                let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                let base64 = Data(bytes).base64EncodedString()
                let encoded = Base64URL.encode(bytes)
                #expect(try SessionSecret(encoded: base64).encoded() == encoded)
                #expect(try SessionSecret(encoded: hex).encoded() == encoded)
                #expect(try SessionSecret(bytes: bytes).encoded() == encoded)
            }
        }
    }
}
