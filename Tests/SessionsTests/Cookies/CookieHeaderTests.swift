import HTTPTypes
import Testing

@testable import Sessions

@Suite("Reading cookies")
struct CookieHeaderTests {
    private static let host = "__Host-Http-sid"

    @Test("One cookie among others, at any place")
    func finds() throws {
        for value in [
            "sid=X", "sid=X; b=2", "a=1; sid=X", "a=1; sid=X; b=2", ";;sid=X;;", "\tsid=X \t;", "a=1;sid=X;b=2",
        ] {
            #expect(try FoundCookies([value]) == .one("X"), "\(value)")
        }
        #expect(try FoundCookies(["sid="]) == .one(""))
        #expect(try FoundCookies(["sid=a=b==", "b=sid"]) == .one("a=b=="))
        #expect(try FoundCookies(["sid2=X; asid=X; si=X; a=sid=X; SID=X"]) == .absent)
        #expect(try FoundCookies([""]) == .absent)
        #expect(try FoundCookies([]) == .absent)
    }

    @Test("The public subscript gives the one value, or nothing")
    func subscripts() throws {
        let name = try CookieName("sid")
        #expect(CookieHeader([.cookie: "a=1; sid=X"])[name] == "X")
        #expect(CookieHeader([.cookie: "a=1"])[name] == nil)
        #expect(CookieHeader([:])[name] == nil)
        #expect(CookieHeader([.cookie: "sid=X; sid=Y"])[name] == nil)
        #expect(CookieHeader([.cookie: "sid=X; sid=X"])[name] == "X")
        #expect(CookieHeader([.authorization: "sid=X"])[name] == nil)
        let lowercase = try #require(HTTPField.Name("cookie"))
        let uppercase = try #require(HTTPField.Name("COOKIE"))
        #expect(CookieHeader([lowercase: "sid=X", uppercase: "sid=X"])[name] == "X")
    }

    @Test(
        "PR-01: any number of fields is read as one",
        arguments: [
            ["a=1", "sid=X", "b=2"], ["a=1; sid=X", "b=2"], ["sid=X"], ["", "sid=X", ""], ["a=1;", ";sid=X"],
        ]
    )
    func manyFields(_ fields: [String]) throws {
        #expect(try FoundCookies(fields) == .one("X"))
    }

    @Test("PR-01: a pair does not go on in the next field")
    func fieldsAreNotGluedTogether() throws {
        #expect(try FoundCookies(["si", "d=X"]) == .absent)
        #expect(try FoundCookies(["sid=X", "Y"]) == .one("X"))
    }

    @Test("PR-02: only space and tab are white space")
    func whiteSpace() throws {
        let blanks: [Unicode.Scalar] = [
            "\u{85}", "\u{A0}", "\u{1680}", "\u{2000}", "\u{2001}", "\u{2002}", "\u{2003}", "\u{2004}", "\u{2005}",
            "\u{2006}", "\u{2007}", "\u{2008}", "\u{2009}", "\u{200A}", "\u{2028}", "\u{2029}", "\u{202F}", "\u{205F}",
            "\u{3000}", "\u{FEFF}", "\u{B}", "\u{C}",
        ]
        for blank in blanks {
            #expect(try FoundCookies(["\(blank)\(Self.host)=evil"], name: Self.host) == .absent)
            #expect(try FoundCookies(["a=1; \(blank)\(Self.host)=evil; b=2"], name: Self.host) == .absent)
            #expect(try FoundCookies(["\(Self.host)\(blank)=evil"], name: Self.host) == .absent)
            #expect(try FoundCookies(["\(Self.host)=X\(blank)"], name: Self.host) == .one("X\(blank)"))
        }
        for byte in UInt8(0)...255 where ![0x20, 0x09, 0x3B].contains(byte) {
            let found = FoundCookies(raw: [[byte] + Array("\(Self.host)=evil".utf8)], name: .default)
            #expect(found == .absent, "byte \(byte)")
        }
        #expect(try FoundCookies([" \t\(Self.host)=X \t"], name: Self.host) == .one("X"))
    }

    @Test(
        "PR-03: nothing is percent-decoded",
        arguments: ["__%48ost-Http-sid=X", "%5F%5FHost-Http-sid=X", "__Host-Http-sid%3DX", "__Host-Http-si%64=X"]
    )
    func names(_ field: String) throws {
        #expect(try FoundCookies([field], name: Self.host) == .absent)
    }

    @Test("PR-03: a value is literal")
    func literalValue() throws {
        #expect(try FoundCookies(["sid=%41%3B+%00"]) == .one("%41%3B+%00"))
    }

    @Test(
        "PR-04: names are not normalized",
        arguments: [
            "..Host-Http-sid=X", "__host-http-sid=X", "__HOST-HTTP-SID=X", "__Host-Http-sid[=X", "__Host-Http-sid[]=X",
            "__Host.Http.sid=X", "_ Host-Http-sid=X", "__Host-Http-sid.=X",
        ]
    )
    func normalization(_ field: String) throws {
        #expect(try FoundCookies([field], name: Self.host) == .absent)
    }

    @Test(
        "PR-05: a pair without a name or without an equals sign is ignored",
        arguments: [
            "=__Host-Http-sid=X", "__Host-Http-sid", "==__Host-Http-sid=X", "=", "= ; =", ";", "__Host-Http-sid;=X",
        ]
    )
    func nameless(_ field: String) throws {
        #expect(try FoundCookies([field], name: Self.host) == .absent)
        #expect(try FoundCookies([field, "\(Self.host)=X"], name: Self.host) == .one("X"))
    }

    @Test("PR-06: quotes and $Version are ordinary")
    func quotes() throws {
        let sandwich = #"$Version=1; p="a; sid=X; b""#
        #expect(try FoundCookies([sandwich]) == .one("X"))
        #expect(try FoundCookies([sandwich], name: "$Version") == .one("1"))
        #expect(try FoundCookies([sandwich], name: "p") == .one(#""a"#))
        #expect(try FoundCookies([#"sid="X""#]) == .one(#""X""#))
        #expect(try FoundCookies([#"sid="a\";b""#]) == .one(#""a\""#))
    }

    @Test("PR-06: 64 KiB of escaped quotes are one value, as they are")
    func longQuotes() throws {
        let value = String(repeating: #"\""#, count: 32_768)
        let limits = try CookieLimits(pairs: 256, bytes: 1_000_000)
        #expect(try FoundCookies(["sid=\"" + value], limits: limits) == .one("\"" + value))
        #expect(try FoundCookies(["a=\"" + value + "; sid=X"], limits: limits) == .one("X"))
    }

    @Test("PR-07: a comma separates nothing")
    func comma() throws {
        #expect(try FoundCookies(["a=1,__Host-Http-sid=evil"], name: Self.host) == .absent)
        #expect(try FoundCookies(["a=1, __Host-Http-sid=evil"], name: Self.host) == .absent)
        #expect(try FoundCookies(["sid=X,Y"]) == .one("X,Y"))
    }

    @Test("PR-08: combining marks and look-alikes of the separators are bytes like others")
    func graphemes() throws {
        #expect(try FoundCookies(["a=1;\u{301} sid=X"]) == .absent)
        #expect(try FoundCookies(["a=1;\u{301}; sid=X"]) == .one("X"))
        #expect(try FoundCookies(["sid=\u{301}x"]) == .one("\u{301}x"))
        #expect(try FoundCookies(["a=1\u{37E} sid=X"]) == .absent)
        #expect(try FoundCookies(["a=1;sid\u{301}=X"]) == .absent)
        #expect(try FoundCookies(["\u{212A}id=X"], name: "Kid") == .absent)
        #expect(try FoundCookies(["Kid=\u{212A}; Kid=K"], name: "Kid") == .several("\u{212A}", "K"))
        #expect(try FoundCookies(["sid=\u{E9}; sid=e\u{301}"]) == .several("\u{E9}", "e\u{301}"))
    }

    @Test("PR-09: two values are two values, in both orders and across fields")
    func duplicates() throws {
        #expect(try FoundCookies(["sid=evil; sid=good"]) == .several("evil", "good"))
        #expect(try FoundCookies(["sid=good; sid=evil"]) == .several("good", "evil"))
        #expect(try FoundCookies(["sid=evil", "sid=good"]) == .several("evil", "good"))
        #expect(try FoundCookies(["sid=; sid=good"]) == .several("", "good"))
        #expect(try FoundCookies(["__Host-Http-sid=a; __Host-Http-sid=b"], name: Self.host) == .several("a", "b"))
    }

    @Test("PR-09: equal duplicates are one value, and up to four distinct ones are handed out")
    func distinctLimit() throws {
        #expect(try FoundCookies(["sid=X; sid=X", "sid=X"]) == .one("X"))
        #expect(try FoundCookies(["sid=1; sid=2; sid=1; sid=3; sid=2; sid=4; sid=4"]) == .several("1", "2", "3", "4"))
        #expect(try FoundCookies(["sid=1; sid=2; sid=3; sid=4; sid=5"]) == .tooMany)
        #expect(try FoundCookies(["sid=1; sid=2; sid=3; sid=4; sid=5; sid=1", "sid=1"]) == .tooMany)
    }

    @Test("PR-10: 256 pairs are read, and one more leaves nothing readable")
    func pairLimit() throws {
        let full = String(repeating: "a=;", count: 255) + "sid=X;;; ;"
        #expect(try FoundCookies([full]) == .one("X"))
        #expect(try FoundCookies([full + "b"]) == .tooMany)
        #expect(try FoundCookies([full, "b"]) == .tooMany)
        #expect(try FoundCookies(["sid=X; " + String(repeating: "a=;", count: 256)]) == .tooMany)
        #expect(try FoundCookies(Array(repeating: "a=1", count: 256)) == .absent)
        #expect(try FoundCookies(Array(repeating: "a=1", count: 257)) == .tooMany)
    }

    @Test("PR-10: 16 KiB are read, and one more byte leaves nothing readable")
    func byteLimit() throws {
        let full = "sid=X; a=" + String(repeating: "b", count: 16_384 - 9)
        #expect(full.utf8.count == 16_384)
        #expect(try FoundCookies([full]) == .one("X"))
        #expect(try FoundCookies([full + "b"]) == .tooMany)
        let half = String(repeating: "b", count: 8_191)
        #expect(try FoundCookies([half, half]) == .absent)
        #expect(try FoundCookies([half, half + "b"]) == .tooMany)
        #expect(try FoundCookies(Array(repeating: "", count: 8_193)) == .absent)
        #expect(try FoundCookies(Array(repeating: "", count: 8_194)) == .tooMany)
    }

    @Test("PR-10, DS-03: a megabyte of pairs is refused whole")
    func flood() throws {
        #expect(try FoundCookies([String(repeating: "a=;", count: 350_000)]) == .tooMany)
        #expect(try FoundCookies(["sid=" + String(repeating: "X", count: 1_000_000)]) == .tooMany)
        let limits = try CookieLimits(pairs: 1_000_000, bytes: 2_000_000)
        #expect(try FoundCookies([String(repeating: "a=;", count: 350_000) + "sid=X"], limits: limits) == .one("X"))
    }

    @Test("CF-12: a limit is positive")
    func limits() {
        #expect(throws: SessionConfigurationError(.limit, "")) { try CookieLimits(pairs: 0, bytes: 1) }
        #expect(throws: SessionConfigurationError(.limit, "")) { try CookieLimits(pairs: 1, bytes: -1) }
        #expect(CookieLimits.default.pairs == 256)
        #expect(CookieLimits.default.bytes == 16_384)
    }

    @Test("PR-12: the credential's gate gets the value as it came, whatever its length or bytes")
    func valuesForTheGate() throws {
        for count in [0, 42, 43, 44, 4096] {
            let value = String(repeating: "A", count: count)
            #expect(try FoundCookies(["a=1; sid=\(value); b=2"]) == .one(value))
        }
        for text in ["/", ".", "%", ":", "*", "\u{E9}", "[object]", "a b", "'", "`", "null"] {
            #expect(try FoundCookies(["sid=\(text)"]) == .one(text))
        }
        for control: UInt8 in [0x00, 0x0A, 0x0D] {
            let found = FoundCookies(
                raw: [Array("sid=a".utf8) + [control] + Array("b".utf8)],
                name: try CookieName("sid")
            )
            #expect(found == .one([0x61, control, 0x62]))
        }
    }

    @Test("PR-14: bytes that are no text harm no other cookie and are not folded into one another")
    func invalidText() throws {
        let name = try CookieName("sid")
        let garbage: [[UInt8]] = [
            [0x00], [0x01, 0x7F], [0x0D, 0x0A], [0xFE], [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xC3], [0xE2, 0x82],
        ]
        for bytes in garbage {
            let field = Array("a=".utf8) + bytes + Array("; sid=X; ".utf8) + bytes + Array("=1; b".utf8) + bytes
            #expect(FoundCookies(raw: [field], name: name) == .one("X"))
            #expect(FoundCookies(raw: [Array("sid=".utf8) + bytes], name: name) == .one(bytes))
        }
        let two = Array("sid=".utf8) + [0xFE] + Array("; sid=".utf8) + [0xFF]
        #expect(FoundCookies(raw: [two], name: name) == .several([[0xFE], [0xFF]]))
        let invalid = HTTPFields([HTTPField(name: .cookie, value: Array("sid=".utf8) + [0xFF])])
        #expect(CookieHeader(invalid)[name] == nil)
        #expect(FoundCookies(CookieHeader(invalid).lookup(name)) == .one([0xFF]))
    }

    @Test("PR-15: the four spellings of one base64 text are four values")
    func spellings() throws {
        #expect(try FoundCookies(["sid=QQ; sid=QR; sid=QS; sid=QT"]) == .several("QQ", "QR", "QS", "QT"))
        #expect(try FoundCookies(["sid=QQ; sid=QQ=="]) == .several("QQ", "QQ=="))
    }

    @Test("I9: no description, reflection or dump shows a value")
    func valuesAreUnspeakable() throws {
        let secret = "c2VjcmV0LWNyZWRlbnRpYWw"
        let bytes = "\(Array(secret.utf8))"
        let header = CookieHeader([.cookie: "sid=\(secret); two=\(secret); two=b"])
        let lookups = [header.lookup(try CookieName("sid")), header.lookup(try CookieName("two"))]
        var spoken = ["\(header)", String(reflecting: header)]
        spoken += lookups.flatMap { ["\($0)", String(reflecting: $0), "\(Optional($0) as Any)", "\([$0])"] }
        var dumped = ""
        dump(header, to: &dumped)
        dump(lookups, to: &dumped)
        spoken.append(dumped)
        for text in spoken {
            #expect(!text.contains(secret))
            #expect(!text.contains(bytes))
            #expect(!text.contains("- 99"), "a dump of bytes")
        }
        #expect(Mirror(reflecting: header).children.isEmpty)
        #expect(lookups.allSatisfy { Mirror(reflecting: $0).children.isEmpty })
        #expect(lookups.map { "\($0)" } == ["one", "several(2)"])
    }
}
