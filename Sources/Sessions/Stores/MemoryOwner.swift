/// An owner as the memory store indexes it: compared byte for byte.
///
/// `String` takes canonically equivalent texts for equal, so "sign out everywhere" for one user would reach another
/// whose id is spelled with other bytes (checklist ID-11).
struct MemoryOwner: Sendable, Hashable {
    let key: OwnerKey

    init(_ key: OwnerKey) {
        self.key = key
    }

    static func == (lhs: MemoryOwner, rhs: MemoryOwner) -> Bool {
        lhs.key.text.utf8.elementsEqual(rhs.key.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(key.text)
    }
}
