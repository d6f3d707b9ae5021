/// Writes the native format.
struct NativeRecordWriter {
    private(set) var output: [UInt8] = []

    mutating func write(_ content: RecordContent) {
        output.reserveCapacity(256 + content.values.entries.reduce(0) { $0 + $1.text.count + 24 })
        append(#"{"v":1,"hash":""#)
        content.secretHash.withUnsafeBytes { Base64URL.append($0, to: &output) }
        append(#"","created":"#)
        append(content.createdAt)
        append(#","rotated":"#)
        append(content.rotatedAt)
        if let authenticatedAt = content.authenticatedAt {
            append(#","login":"#)
            append(authenticatedAt)
        }
        append(#","csrf":""#)
        content.csrfNonce.withUnsafeBytes { Base64URL.append($0, to: &output) }
        append(#"""#)
        if let lifetime = content.lifetime {
            append(#","idle":"#)
            append(number: lifetime.idle.wholeMicroseconds)
            append(#","absolute":"#)
            append(number: lifetime.absolute.wholeMicroseconds)
        }
        if let persistence = content.persistence {
            append(#","keep":""#)
            append(persistence.name)
            append(#"""#)
        }
        if let grace = content.grace {
            append(#","grace":{"#)
            write(grace)
        }
        if let origin = content.origin {
            append(#","origin":{"handle":""#)
            origin.handle.withUnsafeBytes { Base64URL.append($0, to: &output) }
            append(#"","#)
            write(origin.grace)
        }
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

    private mutating func append(_ text: StaticString) {
        output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(number: Int64) {
        output.append(contentsOf: Array(String(number).utf8))
    }

    private mutating func append(_ timestamp: Timestamp) {
        append(number: timestamp.microseconds)
    }

    private mutating func append(name: ValueName) {
        JSONString.append(name.text, to: &output)
        output.append(UInt8(ascii: ":"))
    }

    private mutating func write(_ grace: RecordContent.Grace) {
        append(#""hash":""#)
        grace.secretHash.withUnsafeBytes { Base64URL.append($0, to: &output) }
        append(#"","until":"#)
        append(grace.until)
        append(#","nonce":""#)
        grace.nonce.withUnsafeBytes { Base64URL.append($0, to: &output) }
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
