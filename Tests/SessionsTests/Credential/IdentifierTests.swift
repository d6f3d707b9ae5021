import Sessions
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("A handle, a nonce and a secret's hash come back from their text")
    func roundTrip() throws {
        for _ in 0..<100 {
            let handle = SessionHandle.random()
            #expect(SessionHandle(handle.description) == handle)
            #expect(SessionHandle(bytes: handle.bytes) == handle)
            #expect(StoreKey(handle.description)?.handle == handle)
            let nonce = Nonce.random()
            #expect(Nonce(base64URL: nonce.base64URL.utf8) == nonce)
            let hash = CredentialSecret.random().hash
            #expect(SecretHash(base64URL: hash.base64URL.utf8) == hash)
        }
    }

    @Test("A handle's bytes are its number, most significant first")
    func handleBytes() {
        let handle = SessionHandle(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        #expect(handle.bytes == Array(0...15))
        #expect(handle.high == 0x0001_0203_0405_0607)
        #expect(handle.low == 0x0809_0A0B_0C0D_0E0F)
        #expect(handle.description == "AAECAwQFBgcICQoLDA0ODw")
    }

    @Test(
        "PR-15, ID-11: a handle has one spelling",
        arguments: [
            "", "AAECAwQFBgcICQoLDA0OD", "AAECAwQFBgcICQoLDA0ODwA", "AAECAwQFBgcICQoLDA0ODx", "AAECAwQFBgcICQoLDA0OD=",
            "AAECAwQFBgcICQoLDA0OD ", "AAECAwQFBgcICQoLDA0O+w", "AAECAwQFBgcICQoLDA0O\u{212A}",
            "\u{212A}AECAwQFBgcICQoLDA0ODw",
            "AAECAwQFBgcICQoLDA0ODw\0",
        ]
    )
    func oneSpelling(text: String) {
        #expect(SessionHandle(text) == nil)
        #expect(Nonce(base64URL: text.utf8) == nil)
    }

    @Test("A secret's hash has one spelling", arguments: ["", "A", "YGwRhp3ALTg5PhForFlhudAJm1KfaBJpAIm8035ZYu5"])
    func oneSpellingOfHash(text: String) {
        #expect(SecretHash(base64URL: text.utf8) == nil)
    }

    @Test("ID-01: every bit of a million secrets and handles is set half of the time, and none comes twice")
    func bitFrequency() {
        let samples = 1_000_000
        var counts = [Int](repeating: 0, count: 48 * 256)
        var seen: Set<UInt64> = []
        counts.withUnsafeMutableBufferPointer { counts in
            for _ in 0..<samples {
                CredentialSecret.random()
                    .withUnsafeBytes { bytes in
                        for place in 0..<32 { counts[place << 8 | Int(bytes[place])] += 1 }
                        seen.insert(bytes.loadUnaligned(as: UInt64.self))
                    }
                SessionHandle.random()
                    .withUnsafeBytes { bytes in
                        for place in 0..<16 { counts[(place + 32) << 8 | Int(bytes[place])] += 1 }
                    }
            }
        }
        // 2⁻²⁵ is the chance of a repetition among these first 64 bits alone, made by chance.
        #expect(seen.count == samples)
        for place in 0..<48 {
            for bit in 0..<8 {
                let set = (0..<256).filter { $0 >> bit & 1 == 1 }.reduce(0) { $0 + counts[place << 8 | $1] }
                // Seven standard deviations, for each of 384 bits: once in a billion runs by chance.
                #expect(abs(Double(set) / Double(samples) - 0.5) < 0.0035, "byte \(place), bit \(bit)")
            }
        }
    }

    @Test("ID-02, ID-03: credentials have one length and use the whole alphabet at every random place")
    func alphabet() throws {
        let codec = try CredentialVectors.codec(CredentialVectors.one)
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        // A bit for each symbol seen at a place.
        var bits = [UInt64](repeating: 0, count: 256)
        for (index, symbol) in alphabet.enumerated() { bits[Int(symbol)] = 1 << UInt64(index) }
        var seen = [UInt64](repeating: 0, count: 112)
        var texts: Set<String> = []
        for _ in 0..<100_000 {
            let text = codec.mint(handle: .random(), secret: .random())
            texts.insert(text)
            let isWhole = text.utf8.withContiguousStorageIfAvailable { symbols in
                guard symbols.count == 112 else { return false }
                var isSpelled = true
                for place in 0..<112 {
                    let bit = bits[Int(symbols[place])]
                    isSpelled = isSpelled && bit != 0
                    seen[place] |= bit
                }
                return isSpelled
            }
            if isWhole != true { Issue.record("a credential is spelled \(text)") }
        }
        #expect(texts.count == 100_000)
        // Five symbols and a third are the version and the key id.
        for place in 0..<5 { #expect(seen[place].nonzeroBitCount == 1) }
        #expect(seen[5].nonzeroBitCount == 16)
        for place in 6..<112 { #expect(seen[place] == .max, "symbol \(place)") }
    }
}
