extension [UInt8] {
    /// Appends the number of `bytes`, four bytes with the most significant first, and then the bytes.
    ///
    /// Parts that are authenticated together are joined this way, so that ("ab", "c") and ("a", "bc") are different
    /// (checklist CR-06).
    mutating func appendLengthPrefixed(_ bytes: some Collection<UInt8>) {
        let count = UInt32(clamping: bytes.count)
        for shift in [24, 16, 8, 0] as [UInt32] { append(UInt8(truncatingIfNeeded: count >> shift)) }
        append(contentsOf: bytes)
    }
}
