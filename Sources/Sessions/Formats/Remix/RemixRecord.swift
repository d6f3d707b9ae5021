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
                    return scanner.forEachMember { text, range in
                        let (name, value) = (ValueName(text), payload[range])
                        if name == OwnMember.name {
                            record.own = OwnMember(value)
                        } else {
                            record.values.append(SessionValues.Entry(name: name, text: value))
                        }
                    }
                case 2:
                    return scanner.forEachMember { text, range in
                        record.flash.append(SessionValues.Entry(name: ValueName(text), text: payload[range]))
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
