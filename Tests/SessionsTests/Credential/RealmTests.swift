import Sessions
import Testing

@Suite("Realm")
struct RealmTests {
    @Test("CR-06: a realm's bytes say where one name ends: (ab, c) is not (a, bc)")
    func unambiguous() {
        let realms = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("ab", "c\0"), ("ab\0", "c")]
            .map { Realm(application: $0, cookieName: $1) }
        #expect(Set(realms.map(\.bytes)).count == realms.count)
        #expect(Set(realms).count == realms.count)
        #expect(Realm(application: "ab", cookieName: "c").bytes == [0, 0, 0, 2, 97, 98, 0, 0, 0, 1, 99])
    }

    @Test("ID-11: names that String calls equal are different realms")
    func byteEquality() {
        #expect("\u{212A}id" == "Kid")
        #expect(Realm(application: "a", cookieName: "\u{212A}id") != Realm(application: "a", cookieName: "Kid"))
        #expect(Realm(application: "é", cookieName: "sid") != Realm(application: "e\u{301}", cookieName: "sid"))
        #expect(Realm(application: "é", cookieName: "sid") == Realm(application: "é", cookieName: "sid"))
    }
}
