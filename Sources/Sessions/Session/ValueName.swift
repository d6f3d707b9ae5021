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
        lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        // Equal bytes make equal texts, so the text's own hash serves.
        hasher.combine(text)
    }
}
