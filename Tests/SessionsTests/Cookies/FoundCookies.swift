import HTTPTypes

@testable import Sessions

/// A lookup's result in a form that tests compare.
enum FoundCookies: Equatable {
    case absent
    case one([UInt8])
    case several([[UInt8]])
    case tooMany

    init(_ lookup: CookieLookup) {
        switch lookup {
        case .absent: self = .absent
        case .one(let value): self = .one(value)
        case .several(let values): self = .several(values)
        case .tooMany: self = .tooMany
        }
    }

    static func one(_ text: String) -> FoundCookies { .one(Array(text.utf8)) }

    static func several(_ texts: String...) -> FoundCookies { .several(texts.map { Array($0.utf8) }) }

    /// Reads raw field values, which need not be what an HTTP library would let through.
    init(raw fields: [[UInt8]], name: CookieName, limits: CookieLimits = .default) {
        var scanner = CookieScanner(name: name, limits: limits)
        for field in fields {
            guard field.withUnsafeBufferPointer({ scanner.scan($0) }) else { break }
        }
        self.init(scanner.result)
    }

    /// Reads `Cookie` fields, with other fields between them.
    init(_ values: [String], name: String = "sid", limits: CookieLimits = .default) throws {
        var fields = HTTPFields()
        fields.append(HTTPField(name: .setCookie, value: "sid=other-field"))
        for value in values {
            fields.append(HTTPField(name: .cookie, lenientValue: value.utf8))
            fields.append(HTTPField(name: .accept, value: "sid=other-field"))
        }
        self.init(CookieHeader(fields, limits: limits).lookup(try CookieName(name)))
    }

    /// What the rules say, as plainly as they can be put: join, split, strip, split, compare.
    init(reference fields: [[UInt8]], name: [UInt8], limits: CookieLimits) {
        let joined = Array(fields.joined(separator: Array("; ".utf8)))
        let pieces = joined.split(separator: 0x3B).map { piece in
            var piece = piece.drop { $0 == 0x20 || $0 == 0x09 }
            while piece.last == 0x20 || piece.last == 0x09 { piece.removeLast() }
            return piece
        }.filter { !$0.isEmpty }
        var values: [[UInt8]] = []
        for piece in pieces {
            guard let equals = piece.firstIndex(of: 0x3D), Array(piece[..<equals]) == name else { continue }
            let value = Array(piece[(equals + 1)...])
            if !values.contains(value) { values.append(value) }
        }
        if joined.count > limits.bytes || pieces.count > limits.pairs || values.count > 4 {
            self = .tooMany
        } else if let first = values.first {
            self = values.count == 1 ? .one(first) : .several(values)
        } else {
            self = .absent
        }
    }
}
