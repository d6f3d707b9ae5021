import Sessions

/// Reads the date of a cookie's `Expires` as browsers do (RFC 6265 section 5.1.1).
enum CookieDate {
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// The time that `text` says; `nil` if it says none.
    static func parse(_ text: some StringProtocol) -> Timestamp? {
        var (time, day, month, year): ([Int]?, Int?, Int?, Int?)
        for token in text.lowercased().split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == ":") }) {
            let parts = token.split(separator: ":").map { Int($0) ?? -1 }
            if time == nil, parts.count == 3 {
                time = parts
            } else if let number = Int(token) {
                if token.utf8.count <= 2, day == nil { day = number } else if year == nil { year = number }
            } else if month == nil {
                month = months.firstIndex { token.hasPrefix($0) }
            }
        }
        guard let time, let day, let month, var year else { return nil }
        if year < 70 { year += 2000 } else if year < 100 { year += 1900 }
        guard (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0..<60).contains(time[2]),
            (1...31).contains(day), (1601..<10_000).contains(year)
        else { return nil }
        let seconds = days(year, month + 1, day) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
        return Timestamp(microseconds: Int64(seconds) * 1_000_000)
    }

    /// Days since 1970-01-01 in the Gregorian calendar, in years that begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month > 2 ? year : year - 1
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return 365 * year + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}
