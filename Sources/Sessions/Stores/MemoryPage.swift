/// Picks the entries of one page, in the byte order of the keys' texts, from entries that come in any order.
struct MemoryPage {
    private struct Candidate {
        let place: MemoryKeyPlace
        let entry: StoredEntry
    }

    private let start: MemoryKeyPlace?
    private let limit: Int
    private var candidates: [Candidate] = []
    /// Once enough candidates are known, nothing beyond this place can be in the page.
    private var end: MemoryKeyPlace?

    init(after key: StoreKey?, limit: Int) {
        start = key.map(MemoryKeyPlace.init)
        self.limit = limit
    }

    func accepts(_ key: StoreKey) -> Bool {
        let place = MemoryKeyPlace(key)
        if let start, !(start < place) { return false }
        if let end, end < place { return false }
        return true
    }

    mutating func add(_ entries: [StoredEntry]) {
        candidates += entries.map { Candidate(place: MemoryKeyPlace($0.key), entry: $0) }
        if candidates.count / 2 >= limit { trim() }
    }

    /// The page.
    mutating func entries() -> [StoredEntry] {
        trim()
        return candidates.map(\.entry)
    }

    private mutating func trim() {
        candidates.sort { $0.place < $1.place }
        guard candidates.count >= limit else { return }
        candidates.removeLast(candidates.count - limit)
        end = candidates.last?.place
    }
}

/// Where a key stands in the byte order of the keys' texts.
///
/// Nearly every comparison is decided by the first eight bytes, which cost no text.
private struct MemoryKeyPlace {
    private let prefix: UInt64
    private let key: StoreKey

    init(_ key: StoreKey) {
        self.key = key
        if let handle = key.handle {
            prefix = (0..<8).reduce(0) { $0 << 8 | Self.symbol(handle.high >> (58 - 6 * UInt64($1)) & 63) }
        } else {
            let bytes = key.text.utf8.prefix(8)
            prefix = bytes.reduce(0) { $0 << 8 | UInt64($1) } << (8 * UInt64(8 - bytes.count))
        }
    }

    static func < (lhs: MemoryKeyPlace, rhs: MemoryKeyPlace) -> Bool {
        if lhs.prefix != rhs.prefix { return lhs.prefix < rhs.prefix }
        if lhs.key == rhs.key { return false }
        return lhs.key.text.utf8.lexicographicallyPrecedes(rhs.key.text.utf8)
    }

    /// The base64url character of a six-bit value.
    private static func symbol(_ value: UInt64) -> UInt64 {
        switch value {
        case 0..<26: UInt64(UInt8(ascii: "A")) + value
        case 26..<52: UInt64(UInt8(ascii: "a")) + value - 26
        case 52..<62: UInt64(UInt8(ascii: "0")) + value - 52
        case 62: UInt64(UInt8(ascii: "-"))
        default: UInt64(UInt8(ascii: "_"))
        }
    }
}
