import Hummingbird
import NIOCore

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Request {
    /// The JSON body of a request; 400 with what is wrong with it.
    func body<Body: Decodable>(_ type: Body.Type, _ context: ShopContext) async throws -> Body {
        let bytes = try await body.collect(upTo: context.maxUploadSize)
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch let error as DecodingError {
            throw HTTPError(.badRequest, message: Self.reason(error))
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "The body has no \"\(key.stringValue)\"."
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            context.codingPath.last.map { "\"\($0.stringValue)\" in the body is no \(type)." }
                ?? "The body is no JSON object."
        default: "The body is not JSON."
        }
    }

    /// A number in the query; 400 if it is none, or not between the bounds.
    func number(_ name: String, _ bounds: ClosedRange<Double>) throws -> Double? {
        guard let text = uri.queryParameters[Substring(name)] else { return nil }
        guard let number = Double(text), bounds.contains(number) else {
            let (least, most) = (Int(bounds.lowerBound), Int(bounds.upperBound))
            throw HTTPError(.badRequest, message: "\(name) is a number from \(least) to \(most).")
        }
        return number
    }
}

extension ShopContext {
    /// The name of a value in the path: letters, digits and `._-`, at most 64; 400 otherwise.
    func valueKey() throws -> String {
        let key = try parameters.require("key")
        let isName =
            (1...64).contains(key.utf8.count)
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        guard isName else {
            throw HTTPError(.badRequest, message: "A key is up to 64 letters, digits, dots, underscores and hyphens.")
        }
        return key
    }
}
