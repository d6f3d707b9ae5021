/// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
///
/// Integer arithmetic only. A formatter would bring the machine's locale, calendar and time zone with it, and a date
/// in another calendar is a cookie that never ends, or never begins (checklist CK-07).
enum IMFFixdate {
    /// 9999-12-31T23:59:59Z, the last second with a year of four digits.
    private static let lastSecond: Int64 = 253_402_300_799

    private static let weekdays = Array("SunMonTueWedThuFriSat".utf8)
    private static let months = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)

    /// The nearest time that can be written: whole seconds, from 1970 to the end of the year 9999.
    static func representable(_ time: Timestamp) -> Timestamp {
        Timestamp(microseconds: seconds(time) * 1_000_000)
    }

    /// Appends the 29 bytes of `time` to `bytes`.
    static func append(_ time: Timestamp, to bytes: inout [UInt8]) {
        let seconds = Int(seconds(time))
        let (year, month, day) = date(ofDay: seconds / 86_400)
        // 1970-01-01 was a Thursday.
        append(name: (seconds / 86_400 + 4) % 7, of: weekdays, to: &bytes)
        bytes.append(UInt8(ascii: ","))
        bytes.append(UInt8(ascii: " "))
        append(twoDigits: day, then: " ", to: &bytes)
        append(name: month - 1, of: months, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        append(twoDigits: year / 100, to: &bytes)
        append(twoDigits: year % 100, then: " ", to: &bytes)
        append(twoDigits: seconds / 3600 % 24, then: ":", to: &bytes)
        append(twoDigits: seconds / 60 % 60, then: ":", to: &bytes)
        append(twoDigits: seconds % 60, then: " ", to: &bytes)
        bytes.append(contentsOf: "GMT".utf8)
    }

    private static func seconds(_ time: Timestamp) -> Int64 {
        min(max(time.microseconds, 0) / 1_000_000, lastSecond)
    }

    /// The Gregorian date of the day that lies `day` days, not a negative number, after 1970-01-01.
    private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
        // Years are counted from 1 March, so that the leap day is the last of its year, in cycles of 400 years
        // (146 097 days). 1970-01-01 is day 719 468 after 0000-03-01.
        let sinceMarch0000 = day + 719_468
        let cycle = sinceMarch0000 / 146_097
        let inCycle = sinceMarch0000 % 146_097
        // The last century of a cycle and the last year of four are a day longer than the others: their leap day
        // would begin a fourth century or a fourth year, hence the minimum.
        let century = min(inCycle / 36_524, 3)
        let inCentury = inCycle - century * 36_524
        let inFourYears = inCentury % 1461
        let yearOfFour = min(inFourYears / 365, 3)
        let inYear = inFourYears - yearOfFour * 365
        let year = cycle * 400 + century * 100 + inCentury / 1461 * 4 + yearOfFour
        // From March on, months have 31, 30, 31, 30, 31 days, again and again: 153 in five.
        let monthFromMarch = (5 * inYear + 2) / 153
        let dayOfMonth = inYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (month <= 2 ? year + 1 : year, month, dayOfMonth)
    }

    /// Appends the name with the given index in a list of names of three letters each.
    private static func append(name index: Int, of names: [UInt8], to bytes: inout [UInt8]) {
        for letter in (3 * index)..<(3 * index + 3) { bytes.append(names[letter]) }
    }

    private static func append(twoDigits number: Int, then separator: Unicode.Scalar? = nil, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "0") + UInt8(number / 10))
        bytes.append(UInt8(ascii: "0") + UInt8(number % 10))
        if let separator { bytes.append(UInt8(ascii: separator)) }
    }
}
