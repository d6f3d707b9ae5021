/// The library's own format: one JSON object with a version, readable in any database client.
///
/// ```json
/// {"v":1,"hash":"…","created":1764590000000000,"rotated":1764590000000000,"csrf":"9f…","recent":["a1…"],
///  "values":{"visits":3},"flash":[{"id":"5c…","key":"notice","value":"Saved"}]}
/// ```
///
/// Times are microseconds since 1970. `hash` and `grace.hash` are SHA-256 of a credential's secret, so nothing in the
/// object authenticates. A record whose `v` is not 1 is left alone.
struct NativeRecordFormat: RecordFormat {
    func decode(_ payload: [UInt8]) -> RecordContent? {
        payload.withUnsafeBufferPointer { bytes in
            var reader = NativeRecordReader(bytes: bytes, payload: payload)
            return reader.read()
        }
    }

    func encode(_ content: RecordContent) -> [UInt8] {
        var writer = NativeRecordWriter()
        writer.write(content)
        return writer.output
    }
}
