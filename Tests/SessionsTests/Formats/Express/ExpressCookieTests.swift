import Testing

@testable import Sessions

/// The vectors were made with Node's `cookie-signature` and `cookie`.
@Suite("express-session: the cookie")
struct ExpressCookieTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let id: String
        let secret: ForeignSecret
        let value: String
        var testDescription: String { "\(id), \(value.prefix(20))" }
    }

    static let vectors = [
        Vector(
            id: "apple",
            secret: "keyboard cat",
            value: "s%3Aapple.D8Y%2BpkTAmeR0PobOhY4G97PRW%2Bj7bUnP%2F5m6%2FOn1MCU"
        ),
        Vector(
            id: "%",
            secret: "keyboard cat",
            value: "s%3A%25.kzQ6x52kKVdF35Qh62AWk4ZekS28K5XYCXKa%2FOTZ01g"
        ),
        Vector(
            id: "/foo",
            secret: "keyboard cat",
            value: "s%3A%2Ffoo.paEKBtAHbV5s1IB8B2zPnzAgYmmnRPIqObW4VRYj%2FMQ"
        ),
        Vector(
            id: "abc",
            secret: "keyboard cat",
            value: "s%3Aabc.BpxCrWRpvZMh%2Fwk%2Fdjl34N%2Bm%2BVQEU7K%2F5WenLwJCgFU"
        ),
        Vector(
            id: "a.b.c",
            secret: "s3cr3t",
            value: "s%3Aa.b.c.baEeT61peFSYWSpap0uKzrFHPPSPEbh%2Fk5ymAUuVnGA"
        ),
    ]

    @Test("what Node signs is what we sign, and is read again", arguments: vectors)
    func both(vector: Vector) {
        let cookie = ExpressCookie(secrets: [vector.secret])
        #expect(cookie.value(of: vector.id) == vector.value)
        #expect(cookie.parse(Array(vector.value.utf8)) == .genuine(text: vector.id, isUnderFirstSecret: true))
        let other = ExpressCookie(secrets: ["another", vector.secret])
        #expect(other.parse(Array(vector.value.utf8)) == .genuine(text: vector.id, isUnderFirstSecret: false))
        #expect(ExpressCookie(secrets: ["another"]).parse(Array(vector.value.utf8)) == .unverifiable)
    }

    @Test("cookie-signature: hello under tobiiscool")
    func sign() {
        let signed = ExpressCookie(secrets: ["tobiiscool"]).signed("hello")
        #expect(signed == "hello.DGDUkGlIkCzPz+C0B064FNgHdEjox7ch8tOBGslZ5QI")
    }

    @Test(
        "Node reads a value that is not encoded, and one in quotes",
        arguments: [
            "s:apple.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU",
            "\"s:apple.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU\"",
            "\"s%3Aapple.D8Y%2BpkTAmeR0PobOhY4G97PRW%2Bj7bUnP%2F5m6%2FOn1MCU\"",
        ]
    )
    func lenient(value: String) {
        let parse = ExpressCookie(secrets: ["keyboard cat"]).parse(Array(value.utf8))
        #expect(parse == .genuine(text: "apple", isUnderFirstSecret: true))
    }

    @Test(
        "24, 25, 140, 141: what is not signed as it should be opens nothing",
        arguments: [
            "", "s:", "apple", "s%3Aapple", "s:apple.", "s%3Aapple.D8Y",
            "s:.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU",
            "s:apple.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU=",
            "s:apple.D8Y-pkTAmeR0PobOhY4G97PRW-j7bUnP_5m6_On1MCU",
            "S:apple.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU",
            "s:applE.D8Y+pkTAmeR0PobOhY4G97PRW+j7bUnP/5m6/On1MCU", "s%3", "%", "%%%", "s%ZZ", "\"", "\"\"",
        ]
    )
    func refused(value: String) {
        if case .genuine = ExpressCookie(secrets: ["keyboard cat"]).parse(Array(value.utf8)) {
            Issue.record("\(value) is taken for a genuine one")
        }
    }

    @Test("any id has one key, and any key one id", arguments: ["a", "%", "/foo?x=1", "a=b", "ü", "=41", "\n"])
    func keys(id: String) throws {
        let key = try #require(StoreKey(foreignID: id))
        #expect(key.foreignID == id)
        #expect(StoreKey(key.text) == key)
    }

    @Test("no id, one that is too long, and a key that is none of these")
    func noKeys() throws {
        #expect(StoreKey(foreignID: "") == nil)
        // Another spelling of what is a key already.
        #expect(try #require(StoreKey("=41")).foreignID == nil)
        #expect(StoreKey(foreignID: String(repeating: "a", count: 257)) == nil)
        #expect(try #require(StoreKey("a=4")).foreignID == nil)
        #expect(try #require(StoreKey("a=zz")).foreignID == nil)
    }
}
