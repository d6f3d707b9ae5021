#if Redis
import Sessions

/// What the store's keys are called: records, owners' indexes and owners' epochs, each with a letter of its own.
struct RedisKeys: Sendable {
    let prefix: String
    private let records: [UInt8]
    private let indexes: [UInt8]
    private let epochs: [UInt8]

    init(prefix: String) {
        self.prefix = prefix
        records = Array("\(prefix)s:".utf8)
        indexes = Array("\(prefix)o:".utf8)
        epochs = Array("\(prefix)e:".utf8)
    }

    func record(_ key: StoreKey) -> [UInt8] { records + key.text.utf8 }

    func index(of owner: OwnerKey) -> [UInt8] { indexes + owner.text.utf8 }

    func epoch(of owner: OwnerKey) -> [UInt8] { epochs + owner.text.utf8 }

    /// What `SCAN` is to match: every record.
    var pattern: [UInt8] { records + [UInt8(ascii: "*")] }

    /// The key of the record that is kept under `name`; `nil` if none of this store's is.
    func key(of name: [UInt8]) -> StoreKey? {
        guard name.starts(with: records), let text = String(validating: name.dropFirst(records.count), as: UTF8.self)
        else { return nil }
        return StoreKey(text)
    }

    static let get = Array("GET".utf8)
    static let set = Array("SET".utf8)
    static let nx = Array("NX".utf8)
    static let pxat = Array("PXAT".utf8)
    static let del = Array("DEL".utf8)
    static let zero = Array("0".utf8)
}

/// The keys whose last write was not confirmed, the latest ten thousand of them.
///
/// The manager asks for such a record right after the write, so that none is forgotten before it matters.
struct DoubtfulKeys: Sendable {
    /// Each with a number of its own, so that what confirms one doubt does not end a later one.
    private var marks: [[UInt8]: UInt64] = [:]
    private var latest: UInt64 = 0
    private var order: [[UInt8]] = []
    private static let limit = 10_000

    /// The number of the doubt about a key; `nil` if there is none.
    func mark(of key: [UInt8]) -> UInt64? { marks[key] }

    mutating func insert(_ key: [UInt8]) {
        latest += 1
        guard marks.updateValue(latest, forKey: key) == nil else { return }
        order.append(key)
        guard order.count > Self.limit * 2 else { return }
        // Those at the front are the oldest, or have been confirmed since.
        let old = order.prefix(order.count - Self.limit)
        order.removeFirst(old.count)
        for key in Set(old).subtracting(order) { marks[key] = nil }
    }

    /// Ends the doubt of that number.
    mutating func remove(_ key: [UInt8], _ mark: UInt64) {
        if marks[key] == mark { marks[key] = nil }
    }
}
#endif
