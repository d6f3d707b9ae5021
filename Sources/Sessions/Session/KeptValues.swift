/// Which values of an anonymous session survive a login.
public struct KeptValues: Sendable {
    enum Choice: Sendable {
        case all
        case only(Set<ValueName>)
    }

    let choice: Choice

    /// None: what was put into the session before the login is erased. The default, because whoever planted a session in
    /// a victim's browser has also chosen its content (checklist LC-01, LC-19).
    public static let none = KeptValues(choice: .only([]))

    /// All of them, flash values included.
    public static let all = KeptValues(choice: .all)

    /// The values of these keys.
    public static func only<each Value>(_ keys: repeat SessionKey<each Value>) -> KeptValues {
        var names: Set<ValueName> = []
        repeat names.formUnion([(each keys).valueName])
        return KeptValues(choice: .only(names))
    }
}
