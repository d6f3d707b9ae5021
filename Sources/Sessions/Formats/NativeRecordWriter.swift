/// Writes the native format.
struct NativeRecordWriter {
    private(set) var output: [UInt8] = []

    mutating func write(_ content: RecordContent) {
        output.reserveCapacity(256 + content.values.entries.reduce(0) { $0 + $1.text.count + 24 })
        append(#"{"v":1,"hash":""#)
        append(content.secretHash.base64URL)
        append(#"","created":"#)
        append(content.createdAt)
        append(#","rotated":"#)
        append(content.rotatedAt)
        if let authenticatedAt = content.authenticatedAt {
            append(#","login":"#)
            append(authenticatedAt)
        }
        append(#","csrf":""#)
        append(content.csrfNonce.base64URL)
        append(#"""#)
        if let lifetime = content.lifetime {
            append(#","idle":\#(lifetime.idle.wholeMicroseconds),"absolute":\#(lifetime.absolute.wholeMicroseconds)"#)
        }
        write(content.grace)
        write(content.recent)
        write(content.values)
        write(content.flash)
        for member in content.unknown {
            append(",")
            append(name: member.name)
            output.append(contentsOf: member.text)
        }
        append("}")
    }

    private mutating func append(_ text: String) {
        output.append(contentsOf: text.utf8)
    }

    private mutating func append(_ timestamp: Timestamp) {
        append(String(timestamp.microseconds))
    }

    private mutating func append(name: ValueName) {
        JSONString.append(name.text, to: &output)
        output.append(UInt8(ascii: ":"))
    }

    private mutating func write(_ grace: RecordContent.Grace?) {
        guard let grace else { return }
        append(#","grace":{"hash":""#)
        append(grace.secretHash.base64URL)
        append(#"","until":"#)
        append(grace.until)
        append(#","nonce":""#)
        append(grace.nonce.base64URL)
        append(#""}"#)
    }

    private mutating func write(_ recent: [RecordVersion]) {
        guard !recent.isEmpty else { return }
        append(#","recent":["#)
        for (index, version) in recent.enumerated() {
            append(index == 0 ? #"""# : #",""#)
            Hexadecimal.append(version.rawValue, to: &output)
            append(#"""#)
        }
        append("]")
    }

    private mutating func write(_ values: SessionValues) {
        append(#","values":{"#)
        var isFirst = true
        for entry in values.entries {
            if !isFirst { append(",") }
            isFirst = false
            append(name: entry.name)
            output.append(contentsOf: entry.text)
        }
        append("}")
        let several = values.entries.filter { !$0.aside.isEmpty }
        guard !several.isEmpty else { return }
        append(#","aside":{"#)
        for (index, entry) in several.enumerated() {
            if index > 0 { append(",") }
            append(name: entry.name)
            output.append(UInt8(ascii: "["))
            output.append(contentsOf: entry.aside.joined(separator: [UInt8(ascii: ",")]))
            output.append(UInt8(ascii: "]"))
        }
        append("}")
    }

    private mutating func write(_ flash: [FlashEntry]) {
        guard !flash.isEmpty else { return }
        append(#","flash":["#)
        for (index, entry) in flash.enumerated() {
            append(index == 0 ? #"{"id":""# : #",{"id":""#)
            Hexadecimal.append(entry.id, to: &output)
            append(#"","key":"#)
            JSONString.append(entry.name.text, to: &output)
            append(#","value":"#)
            output.append(contentsOf: entry.text)
            append("}")
        }
        append("]")
    }
}

/// A 64-bit number as sixteen lower-case hexadecimal digits: JSON's numbers are exact to 53 bits only.
enum Hexadecimal {
    static func append(_ number: UInt64, to output: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift) & 15)
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    static func decode(_ digits: some Collection<UInt8>) -> UInt64? {
        guard digits.count == 16 else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}
