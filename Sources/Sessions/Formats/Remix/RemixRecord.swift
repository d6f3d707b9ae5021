/// The JSON of Remix's session: `[{values},{flash}]`.
struct RemixRecord: Sendable {
    /// The values, in their order; ours is not among them.
    var values: [SessionValues.Entry] = []
    /// What this library has written beside them.
    var own: OwnMember?
    /// What the next request shows, a value a key.
    var flash: [SessionValues.Entry] = []
    /// Elements behind these two, as they are.
    var rest: [JSONText] = []

    init() {}

    /// Reads a record; `nil` if it is none.
    init?(_ payload: [UInt8]) {
        var record = RemixRecord()
        var count = 0
        let isRecord = payload.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes, in: 0..<bytes.count)
            return scanner.elements { scanner in
                count += 1
                switch count {
                case 1:
                    return Self.members(&scanner, bytes, payload) { name, text in
                        if name == OwnMember.name {
                            record.own = OwnMember(text)
                        } else {
                            record.values.append(SessionValues.Entry(name: name, text: text))
                        }
                    }
                case 2:
                    return Self.members(&scanner, bytes, payload) { name, text in
                        record.flash.append(SessionValues.Entry(name: name, text: text))
                    }
                default:
                    guard let range = scanner.value() else { return false }
                    record.rest.append(payload[range])
                    return true
                }
            } && scanner.isAtEnd()
        }
        guard isRecord, count > 0 else { return nil }
        self = record
    }

    private static func members(
        _ scanner: inout JSONScanner,
        _ bytes: UnsafeBufferPointer<UInt8>,
        _ payload: [UInt8],
        _ body: (ValueName, JSONText) -> Void
    ) -> Bool {
        scanner.members { name, scanner in
            guard let text = JSONString.text(bytes: UnsafeBufferPointer(rebasing: bytes[name])),
                let range = scanner.value()
            else { return false }
            body(ValueName(text), payload[range])
            return true
        }
    }

    /// The record as JSON.
    ///
    /// - Parameter own: What this library writes beside the values.
    func json(own: [UInt8]) -> [UInt8] {
        var output = [UInt8(ascii: "[")]
        let ownEntry = SessionValues.Entry(name: OwnMember.name, text: JSONText(own))
        Self.append(values + [ownEntry], to: &output)
        output.append(UInt8(ascii: ","))
        Self.append(flash, to: &output)
        for element in rest {
            output.append(UInt8(ascii: ","))
            output += element
        }
        output.append(UInt8(ascii: "]"))
        return output
    }

    private static func append(_ entries: [SessionValues.Entry], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "{"))
        for (index, entry) in entries.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONString.append(entry.name.text, to: &output)
            output.append(UInt8(ascii: ":"))
            output += entry.text
        }
        output.append(UInt8(ascii: "}"))
    }
}
