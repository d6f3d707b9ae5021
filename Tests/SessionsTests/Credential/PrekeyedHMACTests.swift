import Crypto
import Foundation
import Testing

@testable import Sessions

@Suite("PrekeyedHMAC")
struct PrekeyedHMACTests {
    @Test("CR-01: codes agree with the library's HMAC for messages of every length up to three blocks, in any pieces")
    func agreesWithLibrary() {
        for count in 0...192 {
            let key = SymmetricKey(size: .bits256)
            let message = (0..<count).map { _ in UInt8.random(in: 0...255) }
            let cut = Int.random(in: 0...count)
            let code = PrekeyedHMAC(key: key)
                .code { keyed in
                    message[..<cut].withUnsafeBytes { keyed.update($0) }
                    message[cut...].withUnsafeBytes { keyed.update($0) }
                }
            let expected = Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
            #expect(code.withUnsafeBytes { Array($0) } == expected)
        }
    }

    @Test(
        "RFC 4231, test cases 1 and 2: shorter keys",
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
        ]
    )
    func shortKeys(key: [UInt8], message: String, expected: String) {
        let code = PrekeyedHMAC(key: SymmetricKey(data: key))
            .code { keyed in Array(message.utf8).withUnsafeBytes { keyed.update($0) } }
        let hex = code.withUnsafeBytes { bytes in
            bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        #expect(hex == expected)
    }

    @Test("A use leaves the keyed value as it was")
    func copies() {
        var keyed = PrekeyedHMAC(key: SymmetricKey(size: .bits256))
        let first = keyed.code { _ in }
        _ = keyed.code { copy in withUnsafeBytes(of: 7) { copy.update($0) } }
        #expect(keyed.code { _ in } == first)
        withUnsafeBytes(of: 7) { keyed.update($0) }
        #expect(keyed.code { _ in } != first)
    }

    @Test("CR-01: the expansion agrees with the library's HKDF", arguments: [0, 1, 27, 59, 64, 200])
    func expansion(count: Int) {
        let key = SymmetricKey(size: .bits256)
        let info = (0..<count).map { _ in UInt8.random(in: 0...255) }
        let (first, second) = PrekeyedHMAC(key: key).expanded(info)
        let expected = HKDF<SHA256>.expand(pseudoRandomKey: key, info: info, outputByteCount: 64)
        let joined = first.withUnsafeBytes { Array($0) } + second.withUnsafeBytes { Array($0) }
        #expect(joined == expected.withUnsafeBytes { Array($0) })
    }
}
