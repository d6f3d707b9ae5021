/// Spells a record's content as payload bytes, and reads it again.
protocol RecordFormat: Sendable {
    /// The content that `payload` spells.
    ///
    /// - Returns: `nil` if the bytes are damaged or of a format this one does not know. They are left as they are.
    func decode(_ payload: [UInt8]) -> RecordContent?

    /// The bytes that spell `content`.
    func encode(_ content: RecordContent) -> [UInt8]
}
