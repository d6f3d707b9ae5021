#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// One value of a session as it stands in the payload: the bytes of its JSON text.
typealias JSONText = ArraySlice<UInt8>

/// Turns values into JSON text and back.
///
/// Integers, strings and booleans, which is what most sessions hold, are written and read directly: Foundation's coders
/// take microseconds for each. Everything else goes through them, with sorted keys, so that equal values have equal
/// bytes.
enum JSONCoding {
    /// The JSON text of `value`.
    ///
    /// - Throws: what `Value`'s encoding throws, and `EncodingError` for a number that JSON cannot express.
    static func encode<Value: Encodable>(_ value: Value) throws -> JSONText {
        if let integer = value as? Int { return JSONText(String(integer).utf8) }
        if let flag = value as? Bool { return JSONText((flag ? "true" : "false").utf8) }
        if let text = value as? String {
            var output: [UInt8] = []
            output.reserveCapacity(text.utf8.count + 2)
            JSONString.append(text, to: &output)
            return JSONText(output)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return JSONText([UInt8](try encoder.encode(value)))
    }

    /// The value that `text` spells; `nil` if it does not decode as a `Value`.
    static func decode<Value: Decodable>(_ type: Value.Type, from text: JSONText) -> Value? {
        if type == Int.self { return integer(text) as? Value }
        if type == Bool.self {
            if text.elementsEqual("true".utf8) { return true as? Value }
            return text.elementsEqual("false".utf8) ? false as? Value : nil
        }
        if type == String.self {
            guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else { return nil }
            return text.dropFirst().dropLast().withUnsafeBufferPointer { JSONString.text(bytes: $0) } as? Value
        }
        return try? JSONDecoder().decode(type, from: Data(text))
    }

    private static func integer(_ text: JSONText) -> Int? {
        guard !text.isEmpty else { return nil }
        let direct = text.withUnsafeBufferPointer { JSONScanner.integer($0, 0..<$0.count) }
        if let direct { return Int(exactly: direct) }
        // `3.0` and `1e2` are integers to other writers of JSON.
        return try? JSONDecoder().decode(Int.self, from: Data(text))
    }

    /// Whether `text`, which decoded to `stored`, already says `value`.
    ///
    /// Bytes may differ where the values do not: another writer's key order or escapes, a `Set` in another order.
    static func equal<Value: Codable>(_ value: Value, encoded: JSONText, stored: Value, text: JSONText) -> Bool {
        if encoded == text { return true }
        guard let again = try? encode(stored) else { return false }
        if again == encoded { return true }
        // Equal values in another order have the same bytes in another order. Texts that `==` takes for equal because
        // Unicode calls them equivalent do not, and they are a change (ID-11).
        guard let value = value as? any Equatable, isEqual(value, stored) else { return false }
        return again.sorted() == encoded.sorted()
    }

    private static func isEqual<Left: Equatable>(_ left: Left, _ right: Any) -> Bool {
        left == (right as? Left)
    }
}
