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
        // A set has its elements in any order; `==` tells it from an array. It does not decide alone: what it takes for
        // equal because Unicode calls it equivalent (ID-11), or because it looks at an id only, is a change.
        guard let value = value as? any Equatable, isEqual(value, stored) else { return false }
        return unordered(again) == unordered(encoded)
    }

    /// The text with the elements of every array in the order of their bytes.
    private static func unordered(_ text: JSONText) -> [UInt8]? {
        text.withUnsafeBufferPointer { bytes in
            var scanner = JSONScanner(bytes, in: 0..<bytes.count)
            switch bytes.first {
            case UInt8(ascii: "["):
                var elements: [[UInt8]] = []
                let isComplete = scanner.elements { scanner in
                    guard let element = scanner.value().flatMap({ unordered(slice(text, $0)) }) else { return false }
                    elements.append(element)
                    return true
                }
                guard isComplete else { return nil }
                elements.sort { $0.lexicographicallyPrecedes($1) }
                return [UInt8(ascii: "[")] + elements.joined(separator: [UInt8(ascii: ",")])
            case UInt8(ascii: "{"):
                var output: [UInt8] = [UInt8(ascii: "{")]
                let isComplete = scanner.members { name, scanner in
                    guard let value = scanner.value().flatMap({ unordered(slice(text, $0)) }) else { return false }
                    output += slice(text, name)
                    output.append(UInt8(ascii: ":"))
                    output += value
                    output.append(UInt8(ascii: ","))
                    return true
                }
                return isComplete ? output : nil
            default: return Array(text)
            }
        }
    }

    private static func slice(_ text: JSONText, _ range: Range<Int>) -> JSONText {
        text[text.startIndex + range.lowerBound..<text.startIndex + range.upperBound]
    }

    private static func isEqual<Left: Equatable>(_ left: Left, _ right: Any) -> Bool {
        left == (right as? Left)
    }
}
