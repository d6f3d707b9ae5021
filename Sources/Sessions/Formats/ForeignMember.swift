/// A member of another system's record that is no value of the session. It is written back where it was.
struct ForeignMember: Sendable, Equatable {
    var name: ValueName
    var text: JSONText
    /// Before which of the record's values it stands.
    var position: Int
}
