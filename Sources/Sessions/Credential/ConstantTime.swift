/// Comparing what a client sent with what only we can compute.
enum ConstantTime {
    /// Whether two rows of bytes are the same, in a time that depends on their lengths alone (checklist ID-06).
    static func equal(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        // The parentheses are needed: `|` and `^` bind alike in Swift, and a later byte would take an earlier difference back.
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
