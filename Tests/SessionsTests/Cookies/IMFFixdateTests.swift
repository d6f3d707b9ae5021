import Testing

@testable import Sessions

@Suite("Dates in cookies")
struct IMFFixdateTests {
    private static func text(_ seconds: Int64) -> String {
        var bytes: [UInt8] = []
        IMFFixdate.append(Timestamp(microseconds: seconds * 1_000_000), to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "CK-07: known dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (68_255_999, "Tue, 29 Feb 1972 23:59:59 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (946_684_799, "Fri, 31 Dec 1999 23:59:59 GMT"),
            (946_684_800, "Sat, 01 Jan 2000 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_709_209_845, "Thu, 29 Feb 2024 12:30:45 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (13_574_585_228, "Tue, 29 Feb 2400 06:07:08 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ]
    )
    func knownDates(_ seconds: Int64, _ expected: String) {
        #expect(Self.text(seconds) == expected)
    }

    @Test("CK-07: a part of a second is cut off, and what cannot be written is clamped")
    func clamps() {
        var bytes: [UInt8] = []
        IMFFixdate.append(Timestamp(microseconds: 784_111_777_999_999), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(Self.text(-1) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(Self.text(253_402_300_800) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(IMFFixdate.representable(.distantFuture) == Timestamp(microseconds: 253_402_300_799_000_000))
        #expect(IMFFixdate.representable(Timestamp(microseconds: .min)) == Timestamp(microseconds: 0))
    }

    @Test("CK-07: every day of 400 years, against a calendar that counts them one by one")
    func everyDay() {
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var day: Int64 = 0
        var wrong: [String] = []
        for year in 1970..<2370 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (index, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for dayOfMonth in 1...length {
                    let padded = dayOfMonth < 10 ? "0\(dayOfMonth)" : "\(dayOfMonth)"
                    let expected = "\(weekdays[Int(day % 7)]), \(padded) \(months[index]) \(year) 23:59:59 GMT"
                    if Self.text(day * 86_400 + 86_399) != expected { wrong.append(expected) }
                    day += 1
                }
            }
        }
        #expect(day == 146_097)
        #expect(wrong == [])
    }
}
