/// Turns stored records into content and back: format, seal and size limit.
struct RecordCoder: Sendable {
    let format: any RecordFormat
    let sealer: Sealer?
    let maximumBytes: Int

    /// The record with its content; `nil` if the payload cannot be opened or read. It is then left as it is.
    func decode(_ stored: StoredRecord, at key: StoreKey) -> LoadedRecord? {
        var payload = stored.payload
        if let sealer {
            guard let opened = sealer.open(payload, context: Array(key.text.utf8)) else { return nil }
            payload = opened.bytes
        }
        guard let content = format.decode(payload) else { return nil }
        return LoadedRecord(key: key, stored: stored, content: content)
    }

    /// The record with its payload.
    ///
    /// - Throws: ``SessionError/Code/tooLarge``.
    func encode(_ record: LoadedRecord) throws -> LoadedRecord {
        var record = record
        var payload = format.encode(record.content)
        if let sealer { payload = try sealer.seal(payload, context: Array(record.key.text.utf8)) }
        guard payload.count <= maximumBytes else {
            throw SessionError.recordTooLarge(payload.count, maximumBytes)
        }
        record.stored.payload = payload
        return record
    }
}

extension SessionError {
    /// A record beyond the configured size.
    static func recordTooLarge(_ count: Int, _ maximum: Int) -> SessionError {
        SessionError(
            .tooLarge,
            "The session's record would take \(count) bytes, and \(maximum) are allowed. Keep less in the session, or "
                + "raise maximumRecordBytes."
        )
    }
}
