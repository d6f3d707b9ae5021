/// Thirty-two bytes without an allocation.
struct Bytes32: Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Thirty-two bytes from the system's random number generator.
    static func random() -> Bytes32 {
        var generator = SystemRandomNumberGenerator()
        return Bytes32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
    }

    private init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// The bytes of `source`, which must be 32.
    init?(_ source: UnsafeRawBufferPointer) {
        guard source.count == 32 else { return nil }
        words = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: source) }
    }

    /// The bytes of `source`, which must be 32.
    init?(_ source: some Sequence<UInt8>) {
        let bytes = Array(source)
        guard let copy = bytes.withUnsafeBytes({ Bytes32($0) }) else { return nil }
        self = copy
    }

    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: words, body)
    }

    /// Compares in constant time (checklist ID-06).
    static func areEqual(_ left: Bytes32, _ right: Bytes32) -> Bool {
        let difference =
            (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)
            | (left.words.2 ^ right.words.2) | (left.words.3 ^ right.words.3)
        return difference == 0
    }

    /// The bytes as an array.
    var array: [UInt8] { withBytes { Array($0) } }
}
