/// A note that a record or an epoch may be over at a deadline.
struct FileDueNote: Sendable, Hashable {
    let deadline: Timestamp
    let place: FilePlace

    /// As the note's file is called: the deadline in front, in digits whose order is that of time.
    var name: String { Hexadecimal.encode(deadline.ordered) + "-" + place.name }

    init(_ deadline: Timestamp, _ place: FilePlace) {
        self.deadline = deadline
        self.place = place
    }

    init?(name: String) {
        let parts = name.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let digits = Hexadecimal.bytes(parts[0].utf8, isCanonical: true), digits.count == 8,
            let place = FilePlace(name: parts[1])
        else { return nil }
        self.init(Timestamp(ordered: digits.reduce(0) { $0 << 8 | UInt64($1) }), place)
    }
}

/// Which records and epochs may be over, by the time.
///
/// A note is an empty file in a directory for some 67 seconds, in a directory for some 19 hours. For every record there is
/// a note no later than its deadline. It is not moved when the deadline is: a sweep that comes to it and finds the record
/// alive makes a note of the new deadline and removes the old one. So a touch costs nothing here, a sweep looks at what
/// is over and at what was thought to be, and nothing looks at what lives on.
final class FileExpiryIndex: Sendable {
    private let top: FileDescriptor
    private let disk: FileDisk

    init(_ top: consuming FileDescriptor, _ disk: FileDisk) {
        self.top = top
        self.disk = disk
    }

    /// The two directories of a deadline.
    private static func buckets(_ deadline: Timestamp) -> (coarse: String, fine: String) {
        let moment = deadline.ordered
        return (coarseName(moment >> 36), fineName(moment >> 26 & 0x3FF))
    }

    // Shifts leave 28 and ten bits: seven digits and three.
    private static func coarseName(_ number: UInt64) -> String { String(Hexadecimal.encode(number).suffix(7)) }
    private static func fineName(_ number: UInt64) -> String { String(Hexadecimal.encode(number).suffix(3)) }

    /// How often a directory is made again that a sweep has removed at that moment, as it was empty.
    private static let attempts = 100

    /// Makes a note.
    ///
    /// - Parameter forced: Whether to wait until it is on the disk.
    /// - Returns: `false` if it is there already.
    func add(_ note: FileDueNote, forced: Bool) throws -> Bool {
        let (coarse, fine) = Self.buckets(note.deadline)
        for _ in 0..<Self.attempts {
            do {
                let bucket = try bucket(coarse, fine)
                let isNew = try bucket.makeEmpty(note.name)
                if forced {
                    try disk.once("expiry/\(coarse)/\(fine)") {
                        try disk.force(top, "expiry/")
                        try disk.force(top.directory(coarse), "expiry/")
                    }
                    try disk.force(bucket, "expiry")
                }
                return isNew
            } catch FileFailure.notThere {
                guard try !top.isRemoved() else { throw FileFailure.removed }
                disk.forget("expiry/\(coarse)/\(fine)")
                try top.makeDirectory(coarse)
                do {
                    try top.directory(coarse).makeDirectory(fine)
                } catch FileFailure.notThere {
                    continue
                }
            }
        }
        throw FileFailure.notThere
    }

    /// Removes a note, if it is there.
    func remove(_ note: FileDueNote) throws {
        let (coarse, fine) = Self.buckets(note.deadline)
        do { try bucket(coarse, fine).remove(note.name) } catch FileFailure.notThere {}
    }

    private func bucket(_ coarse: String, _ fine: String) throws -> FileDescriptor {
        try top.directory(coarse).directory(fine)
    }

    /// Up to `limit` notes of deadlines before `cutoff`, the earliest buckets first; removes buckets that are empty.
    ///
    /// What is no note of ours is passed over.
    func due(before cutoff: Timestamp, limit: Int) throws -> [FileDueNote] {
        var notes: [FileDueNote] = []
        let last = Self.buckets(cutoff)
        for coarse in try top.sortedNames(to: last.coarse, length: 7) {
            let isPast = coarse < last.coarse
            do {
                let directory = try top.directory(coarse)
                for fine in try directory.sortedNames(to: isPast ? "fff" : last.fine, length: 3) {
                    let count = notes.count
                    var isEmpty = true
                    do {
                        let bucket = try directory.directory(fine)
                        try bucket.names { name in
                            isEmpty = false
                            guard let note = FileDueNote(name: name) else { return true }
                            guard Self.buckets(note.deadline) == (coarse, fine) else {
                                // Somebody has put it here. It would be looked into, and never found to be removed.
                                try bucket.remove(name)
                                return true
                            }
                            guard note.deadline < cutoff else { return true }
                            notes.append(note)
                            return notes.count < limit
                        }
                    } catch FileFailure.notThere {
                        // Another sweep was faster.
                        notes.removeLast(notes.count - count)
                    }
                    if isEmpty { directory.removeIfEmpty(fine) }
                    if notes.count >= limit { return notes }
                }
            } catch FileFailure.notThere {
                continue
            }
            if isPast { top.removeIfEmpty(coarse) }
        }
        return notes
    }
}

extension FileDescriptor {
    /// The names of `length` bytes that do not come after `last`, in order.
    fileprivate func sortedNames(to last: String, length: Int) throws -> [String] {
        var names: [String] = []
        try self.names { name in
            if name.utf8.count == length, name <= last { names.append(name) }
            return true
        }
        return names.sorted()
    }
}

extension Timestamp {
    /// A number in whose order the timestamps are, those before 1970 too.
    fileprivate var ordered: UInt64 { UInt64(bitPattern: microseconds) ^ 1 << 63 }

    fileprivate init(ordered: UInt64) {
        self.init(microseconds: Int64(bitPattern: ordered ^ 1 << 63))
    }
}
