/// Refuses secrets that a person thought of or copied from a manual (checklist CF-01).
///
/// This cannot measure how random a secret is. It catches what people do: too short, a word, a word repeated or padded
/// to the length that was asked for, a placeholder that was never replaced. A random secret passes, but for one of
/// some twenty million that happens to spell one of the examples.
enum SecretStrength {
    static let leastByteCount = 32

    /// The least number of text characters that can carry 256 bits: base64 of 32 bytes.
    static let leastTextCount = 43

    /// Thirty-two random bytes have about thirty different values; fewer than twelve do not happen.
    static let leastVariety = 12

    static let advice = "Make one with `openssl rand -base64 32`."

    private static let examples = ["keyboard cat", "keyboardcat", "secret", "changeme", "change-me", "password"]
        .map { Array($0.utf8) }

    /// Refuses bytes that are no secret.
    static func check(bytes: [UInt8]) throws(SessionConfigurationError) {
        guard !bytes.isEmpty else { throw weak("The secret is empty.") }
        guard bytes.count >= leastByteCount else {
            throw weak("The secret has \(bytes.count) bytes and needs \(leastByteCount).")
        }
        guard Set(bytes).count >= leastVariety else { throw weak("The secret has too little variety.") }
        guard !isSequence(bytes) else { throw weak("The secret counts up or down.") }
        guard !isRepetition(bytes) else { throw weak("The secret repeats itself.") }
        guard !isPadded(bytes) else { throw weak("The secret is padded with one byte over and over.") }
        guard bytes.allSatisfy(isText) else { return }
        guard bytes.count >= leastTextCount else {
            throw weak(
                "The secret is text of \(bytes.count) characters, which holds far less than "
                    + "\(leastByteCount) random bytes. If it is base64 or hex, use SessionSecret(encoded:)."
            )
        }
        guard !containsExample(bytes) else { throw weak("The secret contains an example from a manual.") }
    }

    /// Refuses text that is no encoded secret, whatever it decodes to.
    static func check(text: [UInt8]) throws(SessionConfigurationError) {
        guard !text.isEmpty else { throw weak("The secret is empty.") }
        guard !containsExample(text) else { throw weak("The secret contains an example from a manual.") }
        guard !isRepetition(text) else { throw weak("The secret repeats itself.") }
        guard !isPadded(text) else { throw weak("The secret is padded with one character over and over.") }
        guard !isWords(text) else { throw weak("The secret is made of words.") }
    }

    private static func weak(_ problem: String) -> SessionConfigurationError {
        SessionConfigurationError(.weakSecret, "\(problem) \(advice)")
    }

    /// Whether the bytes are a shorter piece said at least twice: the piece is all the secret there is.
    private static func isRepetition(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 else { return false }
        return (1...min(bytes.count / 2, leastByteCount - 1))
            .contains { period in bytes.dropFirst(period).elementsEqual(bytes.dropLast(period)) }
    }

    /// Whether eight bytes in a row are the same, as where a word was filled up to the length that was asked for.
    private static func isPadded(_ bytes: [UInt8]) -> Bool {
        var run = 0
        var previous: UInt8?
        for byte in bytes {
            run = byte == previous ? run + 1 : 1
            if run == 8 { return true }
            previous = byte
        }
        return false
    }

    /// Whether every byte is its predecessor plus the same number, as in the keys of published test vectors.
    private static func isSequence(_ bytes: [UInt8]) -> Bool {
        let steps = zip(bytes.dropFirst(), bytes).map { $0 &- $1 }
        return Set(steps).count == 1
    }

    /// Whether the text has letters of one case only, and perhaps separators: no base64 of a random secret does.
    private static func isWords(_ text: [UInt8]) -> Bool {
        let separators = Array("-_+/= .".utf8)
        let letters = text.filter { !separators.contains($0) }
        let isLower = letters.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        let isUpper = letters.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        return isLower || isUpper
    }

    private static func containsExample(_ text: [UInt8]) -> Bool {
        let lowered = text.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        return examples.contains { example in
            lowered.indices.contains { lowered[$0...].starts(with: example) }
        }
    }

    private static func isText(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) || (0x09...0x0D).contains(byte)
    }
}

extension ArraySlice<UInt8> {
    /// The slice without spaces, tabs and line ends at its two ends.
    ///
    /// ASCII only: a file of secrets is bytes.
    func trimmingASCIIWhiteSpace() -> ArraySlice<UInt8> {
        let isWhiteSpace = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let end = lastIndex(where: { !isWhiteSpace($0) }) else { return [] }
        return self[...end].drop(while: isWhiteSpace)
    }
}
