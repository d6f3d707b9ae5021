#if Mongo
import CMongoC

/// A value of a BSON document.
enum MongoValue: Sendable, Hashable {
    case int32(Int32)
    case int64(Int64)
    case double(Double)
    case bool(Bool)
    case string(String)
    case bytes([UInt8])
    /// Milliseconds since 1970.
    case date(Int64)
    case document(MongoDocument)
    case array([MongoValue])
    case null
    /// A value of a kind that no store here writes: a document whose only field it is, as BSON.
    case opaque([UInt8])

    static func document(_ fields: KeyValuePairs<String, MongoValue>) -> MongoValue {
        .document(MongoDocument(fields))
    }

    /// A whole number, of whatever kind the server chose.
    var integer: Int64? {
        switch self {
        case .int32(let value): Int64(value)
        case .int64(let value): value
        case .double(let value): Int64(exactly: value)
        default: nil
        }
    }
}

/// A BSON document: names and values, in order.
struct MongoDocument: Sendable, Hashable {
    struct Field: Sendable, Hashable {
        var name: String
        var value: MongoValue
    }

    var fields: [Field] = []

    init(_ fields: KeyValuePairs<String, MongoValue> = [:]) {
        self.fields = fields.map { Field(name: $0.key, value: $0.value) }
    }

    /// The first value of that name; setting one adds it at the end.
    subscript(name: String) -> MongoValue? {
        get { fields.first { $0.name == name }?.value }
        set {
            fields.removeAll { $0.name == name }
            if let newValue { fields.append(Field(name: name, value: newValue)) }
        }
    }

    func int64(_ name: String) -> Int64? {
        if case .int64(let value)? = self[name] { value } else { nil }
    }

    func string(_ name: String) -> String? {
        if case .string(let value)? = self[name] { value } else { nil }
    }

    func bytes(_ name: String) -> [UInt8]? {
        if case .bytes(let value)? = self[name] { value } else { nil }
    }

    func document(_ name: String) -> MongoDocument? {
        if case .document(let value)? = self[name] { value } else { nil }
    }

    func array(_ name: String) -> [MongoValue]? {
        if case .array(let value)? = self[name] { value } else { nil }
    }

    // MARK: BSON

    /// Calls `body` with the document as libbson has it; `nil` if it is too large for BSON.
    func withBSON<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result? {
        guard let bson = Self.make(fields) else { return nil }
        defer { CMongoC_destroy(bson) }
        return try body(bson)
    }

    /// What libbson has, copied.
    init(_ bson: OpaquePointer) {
        fields = Self.fields(CMongoC_bytes(bson), CMongoC_count(bson), depth: 0) ?? []
    }

    /// What libbson has, copied, every value of it; `nil` if it is damaged.
    init?(session bson: OpaquePointer) {
        guard let fields = Self.fields(CMongoC_bytes(bson), CMongoC_count(bson), depth: 1) else { return nil }
        self.fields = fields
    }

    /// The document that `bytes` are; `nil` if they are none. What follows a damaged field is not there.
    init?(bytes: [UInt8]) {
        let fields = bytes.withUnsafeBufferPointer { Self.fields($0.baseAddress, $0.count, depth: 0) }
        guard let fields else { return nil }
        self.fields = fields
    }

    private static func make(_ fields: [Field]) -> OpaquePointer? {
        guard let bson = CMongoC_document() else { return nil }
        for field in fields where !append(field.value, to: bson, field.name) {
            CMongoC_destroy(bson)
            return nil
        }
        return bson
    }

    private static func append(_ value: MongoValue, to bson: OpaquePointer, _ name: String) -> Bool {
        switch value {
        case .int32(let value): return CMongoC_appendInt32(bson, name, value)
        case .int64(let value): return CMongoC_appendInt64(bson, name, value)
        case .double(let value): return CMongoC_appendDouble(bson, name, value)
        case .bool(let value): return CMongoC_appendBool(bson, name, value)
        case .date(let value): return CMongoC_appendDate(bson, name, value)
        case .string(let value): return CMongoC_appendText(bson, name, value, value.utf8.count)
        case .bytes(let value):
            return value.withUnsafeBufferPointer { CMongoC_appendBytes(bson, name, $0.baseAddress, $0.count) }
        case .document(let value):
            guard let child = make(value.fields) else { return false }
            defer { CMongoC_destroy(child) }
            return CMongoC_appendDocument(bson, name, child)
        case .array(let values):
            let items = values.enumerated().map { Field(name: String($0.offset), value: $0.element) }
            guard let child = make(items) else { return false }
            defer { CMongoC_destroy(child) }
            return CMongoC_appendArray(bson, name, child)
        case .null: return CMongoC_appendNull(bson, name)
        case .opaque(let bytes):
            return bytes.withUnsafeBufferPointer { bytes in
                guard let iterator = CMongoC_iterator(bytes.baseAddress, bytes.count) else { return false }
                defer { CMongoC_freeIterator(iterator) }
                return CMongoC_next(iterator) && CMongoC_appendValue(bson, name, iterator)
            }
        }
    }

    /// Deeper documents are another program's, and not looked into: they could be as deep as the stack is not.
    private static let depthLimit = 8

    private static func fields(_ bytes: UnsafePointer<UInt8>?, _ count: Int, depth: Int) -> [Field]? {
        guard let bytes, let iterator = CMongoC_iterator(bytes, count) else { return nil }
        defer { CMongoC_freeIterator(iterator) }
        var fields: [Field] = []
        while CMongoC_next(iterator), let name = CMongoC_name(iterator) {
            fields.append(Field(name: String(cString: name), value: value(at: iterator, depth: depth)))
        }
        return fields
    }

    private static func value(at iterator: OpaquePointer, depth: Int) -> MongoValue {
        let type = CMongoC_type(iterator)
        switch type {
        case BSON_TYPE_INT32: return .int32(CMongoC_int32(iterator))
        case BSON_TYPE_INT64: return .int64(CMongoC_int64(iterator))
        case BSON_TYPE_DOUBLE: return .double(CMongoC_double(iterator))
        case BSON_TYPE_BOOL: return .bool(CMongoC_bool(iterator))
        case BSON_TYPE_DATE_TIME: return .date(CMongoC_date(iterator))
        case BSON_TYPE_NULL: return .null
        default: break
        }
        var count: UInt32 = 0
        let bytes = UnsafeBufferPointer(start: CMongoC_value(iterator, &count), count: Int(count))
        switch type {
        case BSON_TYPE_UTF8:
            // Repaired, a text would be somebody else's.
            return String(validating: bytes, as: UTF8.self).map(MongoValue.string) ?? opaque(iterator)
        case BSON_TYPE_BINARY where CMongoC_isPlain(iterator): return .bytes(Array(bytes))
        case BSON_TYPE_DOCUMENT, BSON_TYPE_ARRAY:
            guard depth < depthLimit, let fields = fields(bytes.baseAddress, bytes.count, depth: depth + 1) else {
                return opaque(iterator)
            }
            if type == BSON_TYPE_ARRAY { return .array(fields.map(\.value)) }
            var document = MongoDocument()
            document.fields = fields
            return .document(document)
        default:
            // Beside what a server answers stand its times, which nobody here asks for.
            return depth == 0 ? .null : opaque(iterator)
        }
    }

    private static func opaque(_ iterator: OpaquePointer) -> MongoValue {
        guard let bson = CMongoC_document() else { return .null }
        defer { CMongoC_destroy(bson) }
        guard CMongoC_appendValue(bson, "", iterator) else { return .null }
        return .opaque(Array(UnsafeBufferPointer(start: CMongoC_bytes(bson), count: CMongoC_count(bson))))
    }
}
#endif
