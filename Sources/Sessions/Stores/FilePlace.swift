import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Where something is kept: a shard, a leaf in it, and a name there.
///
/// Both levels of directories come from a SHA-256, so they fill evenly whatever the keys look like. A name is one letter
/// and hexadecimal digits, never a byte of a key as it is: no name leaves its directory, means something to a shell, or
/// meets another one on a file system that does not tell upper from lower case (checklist ST-01).
struct FilePlace: Sendable, Hashable {
    /// The count of shards; each has a directory in every tree, and one lock.
    static let shards = 256
    /// The count of leaves in a shard's directory.
    static let leaves = 16
    /// A longer key has a name made from its hash: a name may have 255 bytes, also in the indexes.
    private static let longestSpelledKey = 100

    let shard: Int
    let leaf: Int
    let name: String

    init(hash: [UInt8], name: String) {
        shard = Int(hash[0])
        leaf = Int(hash[1] >> 4)
        self.name = name
    }

    /// Where the record of a key is kept.
    init(_ key: StoreKey) {
        let text = Array(key.text.utf8)
        let hash = Array(SHA256.hash(data: text))
        self.init(
            hash: hash,
            name: text.count <= Self.longestSpelledKey ? Self.order(key) : "x" + Hexadecimal.encode(hash)
        )
    }

    /// The key's bytes, spelled so that texts in the order of the keys come out; also the name of a key that is not long.
    static func order(_ key: StoreKey) -> String { "k" + Hexadecimal.encode(key.text.utf8) }

    /// Where the epoch of an owner is kept.
    init(epochOf owner: OwnerKey) {
        let hash = Array(SHA256.hash(data: Array(owner.text.utf8)))
        self.init(hash: hash, name: "e" + Hexadecimal.encode(hash))
    }

    /// Where it is noted that `owner` owns the record at `record`.
    init(noteOf owner: OwnerKey, record: FilePlace) {
        let hash = Array(SHA256.hash(data: Array(owner.text.utf8)))
        self.init(hash: hash, name: Self.notePrefix(hash) + record.name)
    }

    /// How the names of an owner's notes begin, and where they are.
    static func notes(of owner: OwnerKey) -> (shard: Int, leaf: Int, prefix: String) {
        let hash = Array(SHA256.hash(data: Array(owner.text.utf8)))
        let place = FilePlace(hash: hash, name: "")
        return (place.shard, place.leaf, notePrefix(hash))
    }

    /// Half of the hash is enough: the record says who owns it, and it is asked.
    private static func notePrefix(_ hash: [UInt8]) -> String { Hexadecimal.encode(hash[..<16]) + "-" }

    /// The place of a record or an epoch with this name; `nil` for the name of something else.
    init?(name: Substring) {
        guard let digits = Hexadecimal.bytes(name.dropFirst().utf8, isCanonical: true) else { return nil }
        switch name.first {
        case "k":
            guard let key = StoreKey(String(decoding: digits, as: UTF8.self)) else { return nil }
            self.init(key)
            guard self.name == name else { return nil }
        case "x" where digits.count == 32, "e" where digits.count == 32:
            self.init(hash: digits, name: String(name))
        default: return nil
        }
    }

    /// Whether this is the place of an epoch.
    var isEpoch: Bool { name.utf8.first == UInt8(ascii: "e") }

    /// The key of the record here; `nil` where only the record itself says it.
    var key: StoreKey? {
        guard name.utf8.first == UInt8(ascii: "k"),
            let text = Hexadecimal.bytes(name.dropFirst().utf8, isCanonical: true)
        else { return nil }
        return StoreKey(String(decoding: text, as: UTF8.self))
    }

    static func shardName(_ shard: Int) -> String { Hexadecimal.encode([UInt8(truncatingIfNeeded: shard)]) }

    static func leafName(_ leaf: Int) -> String { String(leaf, radix: 16) }

    /// The shard of a name that ``shardName(_:)`` made.
    static func shard(named name: String) -> Int? {
        Hexadecimal.bytes(name.utf8, isCanonical: true).flatMap { $0.count == 1 ? Int($0[0]) : nil }
    }
}
