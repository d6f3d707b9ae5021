#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Finds the values of one name in the bytes of `Cookie` fields, in one pass.
///
/// A field is split at `;` and nowhere else, a piece is stripped of spaces and tabs and nothing else, and its first
/// `=` ends the name. Nothing is unquoted, decoded or normalized: each of those has let a cookie pass for another one
/// (checklist PR-02 to PR-08). Nothing is allocated but the values found.
struct CookieScanner {
    /// What was found so far.
    ///
    /// `tooMany` is final: there is nothing more to find out.
    private(set) var result = CookieLookup.absent

    private let name: [UInt8]
    private let limits: CookieLimits
    private var pairs = 0
    private var bytes = 0

    init(name: CookieName, limits: CookieLimits) {
        self.name = name.bytes
        self.limits = limits
    }

    /// Reads the value of one `Cookie` field and says whether it is worth reading another.
    mutating func scan(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
        // Fields count as if joined with "; ", so that a flood of empty ones has an end as well.
        bytes += field.count
        guard bytes <= limits.bytes else {
            result = .tooMany
            return false
        }
        bytes += 2
        var start = 0
        while start < field.count {
            let end = Self.separator(in: field, from: start)
            guard read(field, from: start, to: end) else { return false }
            start = end + 1
        }
        return true
    }

    @inline(__always)
    private mutating func read(_ field: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Bool {
        var start = start
        var end = end
        while start < end, CookieBytes.isBlank(field[start]) { start += 1 }
        while start < end, CookieBytes.isBlank(field[end - 1]) { end -= 1 }
        guard start < end else { return true }
        pairs += 1
        guard pairs <= limits.pairs else {
            result = .tooMany
            return false
        }
        // A name is a token and has no "=" in it, so a "=" right behind it is the first of the piece.
        let equals = start + name.count
        guard equals < end, field[equals] == CookieBytes.equals, isName(field, at: start) else { return true }
        return add(UnsafeBufferPointer(rebasing: field[(equals + 1)..<end]))
    }

    @inline(__always)
    private func isName(_ field: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        guard let base = field.baseAddress else { return false }
        return memcmp(base + start, name, name.count) == 0
    }

    private mutating func add(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        switch result {
        case .absent:
            result = .one(Array(value))
        case .one(let first):
            if !value.elementsEqual(first) { result = .several([first, Array(value)]) }
        case .several(let values):
            if values.contains(where: value.elementsEqual) { break }
            guard values.count < CookieLookup.distinctLimit else {
                result = .tooMany
                return false
            }
            result = .several(values + [Array(value)])
        case .tooMany:
            return false
        }
        return true
    }

    /// The index of the next `;`, or the end of the field.
    @inline(__always)
    private static func separator(in field: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        guard let base = field.baseAddress,
            let found = memchr(base + start, Int32(CookieBytes.semicolon), field.count - start)
        else { return field.count }
        return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}
