/// The name of a value in a session, compared byte by byte.
///
/// Two names that Unicode calls canonically equivalent are two names here, as they are to every other program that
/// reads the payload (checklist ID-11).
struct ValueName: Sendable, Hashable {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    static func == (lhs: ValueName, rhs: ValueName) -> Bool {
        guard lhs.text.utf8.count == rhs.text.utf8.count else { return false }
        // Native texts are contiguous; the general comparison takes a byte at a time.
        return lhs.text.utf8.withContiguousStorageIfAvailable { lhs in
            rhs.text.utf8.withContiguousStorageIfAvailable { lhs.elementsEqual($0) }
        }.flatMap { $0 } ?? lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        // Equal bytes make equal texts, so the text's own hash serves.
        hasher.combine(text)
    }
}
