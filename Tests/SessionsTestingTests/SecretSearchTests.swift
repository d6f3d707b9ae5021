import SessionsTesting
import Testing

@testable import Sessions

@Suite("I9: the search for secrets")
struct SecretSearchTests {
    @Test("I9: a piece of a secret is found in every spelling, at every place; nothing else is found")
    func spellings() {
        let secret = (0..<64).map { _ in UInt8.random(in: .min ... .max) }
        var search = SecretSearch()
        search.add(secret: secret)
        func hexadecimal(_ bytes: [UInt8]) -> String {
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        for start in 0...(64 - 16) {
            let piece = Array(secret[start..<start + 16])
            let encoded = Base64URL.encode(piece)
            let spellings = [
                hexadecimal(piece), hexadecimal(piece).uppercased(), String(encoded.dropFirst(2).dropLast(2)),
                encoded.replacing("-", with: "+").replacing("_", with: "/") + "==", "\(piece)",
            ]
            for spelling in spellings {
                #expect(search.piece(in: "before \(spelling) after") != nil, "\(spelling)")
            }
            #expect(search.piece(in: [1, 2, 3] + piece) != nil)
            #expect(search.piece(in: piece.prefix(8) + [0]) != nil)
            #expect(search.piece(in: Array(piece.prefix(7))) == nil)
        }
        #expect(search.piece(in: "") == nil)
        for _ in 0..<1000 {
            let other = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
            #expect(search.piece(in: other + Array("\(Base64URL.encode(other)) \(other)".utf8)) == nil)
        }
    }

    @Test("I9: of a credential the secret and the code are looked for, and not the handle")
    func credentials() throws {
        let codec = CredentialCodec(
            keys: try KeyRing([SessionSecret.generate()]),
            realm: Realm(application: "app", cookieName: "sid")
        )
        let (handle, secret) = (SessionHandle.random(), CredentialSecret.random())
        let credential = codec.mint(handle: handle, secret: secret)
        var search = SecretSearch()
        search.add(credential: credential)
        #expect(search.piece(in: "\(handle) \(handle.bytes)") == nil)
        #expect(search.piece(in: credential) != nil)
        #expect(search.piece(in: String(credential.suffix(12))) != nil)
        secret.withUnsafeBytes { bytes in
            #expect(search.piece(in: Array(bytes)) != nil)
            #expect(search.piece(in: Base64URL.encode(Array(bytes))) != nil)
        }
    }
}
