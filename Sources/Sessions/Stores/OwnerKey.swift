/// The owner of a record as a store indexes it: the realm, a colon, and the application's owner id.
///
/// The realm is in front so that two managers on one store (say, one for customers and one for staff) never list or
/// revoke each other's sessions (checklist ID-09).
public struct OwnerKey: Sendable, Hashable, CustomStringConvertible {
    /// The key as text: what a store writes.
    public let text: String

    /// The key with the given text, as a store finds it in its database.
    public init(_ text: String) {
        self.text = text
    }

    public var description: String { text }

    /// Compares byte by byte: two owners that Unicode calls canonically equivalent are two owners (checklist ID-11).
    public static func == (lhs: OwnerKey, rhs: OwnerKey) -> Bool {
        lhs.text.utf8.elementsEqual(rhs.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        // Equal bytes make equal texts, so the text's own hash serves, and it is fast.
        hasher.combine(text)
    }
}
