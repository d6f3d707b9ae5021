#if Mongo
import CMongoC
import Sessions

/// How connect-mongo keeps a session's JSON in the member `session` of its document.
enum ConnectMongoSession: Sendable {
    /// As a text, which is its default.
    case text
    /// As a text that is encrypted: the JSON, whatever `stringify` says.
    case encrypted(ConnectMongoEncryption)
    /// As a document (`stringify: false`).
    case document

    /// Whether a session is kept the same each time, so that what it would be kept as can be asked for.
    var isExact: Bool {
        if case .text = self { true } else { false }
    }

    /// What a session is kept as.
    ///
    /// - Parameter current: What is there now. Of a document, members that do not change stay as they are there, as not all
    ///   that BSON has can be said in JSON.
    func value(_ payload: [UInt8], over current: MongoValue? = nil) throws -> MongoValue {
        guard let text = String(validating: payload, as: UTF8.self) else { throw MongoFailure.foreignSession }
        switch self {
        case .text: return .string(text)
        case .encrypted(let encryption): return .string(try encryption.seal(text))
        case .document:
            var next = try MongoDocument(json: text)
            if case .document(let current)? = current {
                let before = try MongoDocument(json: current.json())
                for (index, field) in next.fields.enumerated() where before[field.name] == field.value {
                    next.fields[index].value = current[field.name] ?? field.value
                }
            }
            return .document(next.changingExpires { $0.asDate })
        }
    }

    /// Whether `value` holds that payload. Documents compare by what they say, as JSON can be spelled in many ways.
    func holds(_ payload: [UInt8], _ value: MongoValue) throws -> Bool {
        let held = try self.payload(of: value)
        guard case .document = self, held != payload else { return held == payload }
        guard let text = String(validating: payload, as: UTF8.self), let asked = try? MongoDocument(json: text) else {
            return false
        }
        return try asked == MongoDocument(json: String(decoding: held, as: UTF8.self))
    }

    /// The JSON of what is kept.
    func payload(of value: MongoValue) throws -> [UInt8] {
        switch (self, value) {
        case (.text, .string(let text)): return Array(text.utf8)
        case (.encrypted(let encryption), .string(let text)):
            // A text that cannot be opened is somebody's session all the same, and left alone. It may be JSON that nobody has
            // sealed: the byte before it, which no UTF-8 has, keeps it from being read as a session.
            return encryption.open(text) ?? [0xFF] + Array(text.utf8)
        case (.document, .document(let document)): return Array(try document.json().utf8)
        default: throw MongoFailure.foreignSession
        }
    }
}

extension MongoDocument {
    /// The document that a JSON object says. Numbers become what Node's driver makes of them, or as exact.
    fileprivate init(json: String) throws {
        var error = bson_error_t()
        // libbson takes an array for a document, too.
        guard json.utf8.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{"),
            let bson = CMongoC_documentFromJSON(Self.widened(json), &error)
        else { throw MongoFailure.foreignSession }
        defer { CMongoC_destroy(bson) }
        guard let document = MongoDocument(session: bson) else { throw MongoFailure.foreignSession }
        self = document
    }

    /// The text with whole numbers that no `Int64` is as fractions, which become doubles, as all numbers of JavaScript are.
    /// libbson refuses some of them, and of others it makes a number without a word.
    private static func widened(_ json: String) -> String {
        var output: [UInt8] = []
        var rest = Array(json.utf8)[...]
        output.reserveCapacity(rest.count)
        var isInString = false
        while let byte = rest.first {
            var length = 1
            if byte == UInt8(ascii: "\"") {
                isInString.toggle()
            } else if isInString {
                if byte == UInt8(ascii: "\\") { length = 2 }
            } else if isOfNumber(byte) {
                length = rest.prefix(while: isOfNumber).count
            }
            let part = rest.prefix(length)
            output += part
            let isWhole = part.allSatisfy { !".eE".utf8.contains($0) }
            if length > 18, isWhole, Int64(String(decoding: part, as: UTF8.self)) == nil { output += "e0".utf8 }
            rest = rest.dropFirst(length)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    }

    /// The document as a JSON object, as `JSON.stringify` spells it. What JSON has no word for is an object with a name that
    /// begins with `$`, as in MongoDB's extended JSON; the end of the cookie is a text, as in express-session's own JSON.
    fileprivate func json() throws -> String {
        var output: [UInt8] = []
        try MongoValue.document(changingExpires { $0.asText }).append(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// With another value for the cookie's `expires`, if there is one.
    fileprivate func changingExpires(_ change: (MongoValue) -> MongoValue) -> MongoDocument {
        var result = self
        guard let place = fields.firstIndex(where: { $0.name == "cookie" }),
            case .document(var cookie) = fields[place].value,
            let index = cookie.fields.firstIndex(where: { $0.name == "expires" })
        else { return self }
        cookie.fields[index].value = change(cookie.fields[index].value)
        result.fields[place].value = .document(cookie)
        return result
    }
}

extension MongoValue {
    /// A text that is a time as the date that Node's `Date` is.
    fileprivate var asDate: MongoValue {
        guard case .string(let text) = self, let time = ISODate.time(of: text) else { return self }
        return MongoRecord.date(time)
    }

    fileprivate var asText: MongoValue {
        guard case .date(let milliseconds) = self else { return self }
        return .string(ISODate.text(Timestamp(microseconds: 0) + .milliseconds(milliseconds)))
    }

    /// Appends the value as JSON.
    fileprivate func append(to output: inout [UInt8]) throws {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .int32(let value): output += String(value).utf8
        case .int64(let value): output += String(value).utf8
        case .double(let value) where value.isFinite:
            // Whole numbers have no fraction in JavaScript.
            output += (Int64(exactly: value).map { String($0) } ?? String(value)).utf8
        case .string(let text): JSONString.append(text, to: &output)
        case .array(let values):
            output.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                try value.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .document(let document):
            output.append(UInt8(ascii: "{"))
            for (index, field) in document.fields.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONString.append(field.name, to: &output)
                output.append(UInt8(ascii: ":"))
                try field.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .date, .bytes, .double, .opaque: output += try extended().utf8
        }
    }

    /// The value in MongoDB's relaxed extended JSON, as libbson spells it.
    private func extended() throws -> Substring {
        let text = MongoDocument(["": self]).withBSON { bson -> String? in
            guard let text = CMongoC_relaxedJSON(bson) else { return nil }
            defer { bson_free(text) }
            return String(validatingCString: text)
        }
        // `{ "" : …}`
        guard let text, let text, let colon = text.firstIndex(of: ":") else { throw MongoFailure.foreignSession }
        return text[text.index(after: colon)...].dropLast()
    }
}
#endif
