import Foundation
import Sessions
import Testing

@Suite("Base64URL")
struct Base64URLTests {
    @Test("Bytes of every length from 0 to 100 come back, and agree with Foundation's base64")
    func roundTrip() {
        for length in 0...100 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
            let text = Base64URL.encode(bytes)
            let expected = Data(bytes).base64EncodedString()
                .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
            #expect(text == expected)
            #expect(Base64URL.decode(Array(text.utf8)) == bytes)
            #expect(Base64URL.decode(text.utf8.lazy.map { $0 }) == bytes, "A collection without contiguous storage")
            #expect(Base64URL.encode(AnyCollection(bytes)) == text, "A collection without contiguous storage")
        }
    }

    @Test("PR-15: of all spellings of up to three symbols, exactly one is taken for each value")
    func oneSpelling() {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var oneByte: [[UInt8]] = []
        for first in alphabet {
            #expect(Base64URL.decode([first]) == nil)
            for second in alphabet {
                if let bytes = Base64URL.decode([first, second]) { oneByte.append(bytes) }
            }
        }
        #expect(oneByte.count == 256)
        #expect(Set(oneByte).count == 256)
        let threeSymbols = alphabet.filter { Base64URL.decode([UInt8(ascii: "Q"), UInt8(ascii: "Q"), $0]) != nil }
        #expect(threeSymbols.count == 16)
    }

    @Test(
        "PR-15: padding, white space and the other alphabet are refused",
        arguments: ["QQ==", "QUE=", "QQ ", " QQ", "QQ\n", "Q\tQQ", "+_+_", "-/-/", "QU.E", "QUF\0", "QUFé", "\u{212A}"]
    )
    func foreignSymbols(text: String) {
        #expect(Base64URL.decode(Array(text.utf8)) == nil)
    }

    @Test("Every byte that is no symbol is refused at every place of a group")
    func everyForeignByte() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                var text = Array("AAAAAAAA".utf8)
                text[place] = byte
                #expect((Base64URL.decode(text) != nil) == alphabet.contains(byte))
            }
        }
    }

    @Test("Decoding into memory needs room for exactly what the text spells", arguments: [0, 2, 4, 100])
    func exactRoom(room: Int) {
        let decodes = Array("QUFB".utf8)
            .withUnsafeBytes { text in
                withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { Base64URL.decode(text, into: $0) }
            }
        #expect(!decodes)
    }
}
