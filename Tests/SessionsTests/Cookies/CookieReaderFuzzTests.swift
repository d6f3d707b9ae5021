import HTTPTypes
import SessionsTesting
import Testing

@testable import Sessions

@Suite("Reading hostile cookies")
struct CookieReaderFuzzTests {
    private static let fragments: [[UInt8]] =
        [
            "sid=", "sid", "=", ";", "; ", ";;", " ", "\t", ",", "\"", "\\\"", "%73id=", "sid =", " sid=", "SID=",
            "ssid=",
            "sid=sid=", "$Version=1", "__Host-sid=", "a", "b", "a=1; ", "sid=a; sid=b; ", "\u{301}", "\u{37E}",
            "\u{2000}",
            "\u{85}", "\u{212A}", "\r\n", "\u{0}", "\u{7F}",
        ].map { Array($0.utf8) } + [[0x80], [0xA0], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xFE], [0xFF]]

    private static func field(using generator: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 0...24, using: &generator)).flatMap { _ in
            Bool.random(using: &generator)
                ? fragments.randomElement(using: &generator) ?? [] : [UInt8.random(in: 0...255, using: &generator)]
        }
    }

    @Test("PR-14: the reader agrees with the plainest parser on seeded hostile input", arguments: 1...8)
    func agreesWithReference(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let name = try CookieName("sid")
        var seen: [String: Int] = [:]
        for _ in 0..<2500 {
            let fields = (0..<Int.random(in: 1...4, using: &generator)).map { _ in Self.field(using: &generator) }
            let limits =
                Int.random(in: 0..<4, using: &generator) > 0
                ? CookieLimits.default
                : try CookieLimits(
                    pairs: .random(in: 1...12, using: &generator),
                    bytes: .random(in: 1...120, using: &generator)
                )
            let found = FoundCookies(raw: fields, name: name, limits: limits)
            let expected = FoundCookies(reference: fields, name: name.bytes, limits: limits)
            try #require(found == expected, "seed \(seed): \(fields)")
            switch found {
            case .absent: seen["absent", default: 0] += 1
            case .one: seen["one", default: 0] += 1
            case .several: seen["several", default: 0] += 1
            case .tooMany: seen["tooMany", default: 0] += 1
            }
        }
        #expect(seen.count == 4, "the input must reach every result: \(seen)")
    }

    @Test("PR-14: what comes through HTTP fields is read as the bytes that they hold", arguments: 1...4)
    func agreesThroughFields(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed &* 0xD1B5)
        let name = try CookieName("sid")
        for _ in 0..<1000 {
            let fields = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                HTTPField(name: .cookie, lenientValue: Self.field(using: &generator))
            }
            let bytes = fields.map { $0.withUnsafeBytesOfValue { Array($0) } }
            let found = FoundCookies(CookieHeader(HTTPFields(fields)).lookup(name))
            try #require(found == FoundCookies(reference: bytes, name: name.bytes, limits: .default), "\(bytes)")
        }
    }
}
