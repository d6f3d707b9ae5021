/// What a ``FaultProxy`` carried between clients that were connected already and their server.
package struct WireCapture: Sendable {
    /// Bytes, one way.
    package enum Piece: Sendable {
        case request([UInt8])
        case reply([UInt8])
    }

    /// The pieces of each connection, in their order.
    package let links: [[Piece]]

    package init(links: [[Piece]]) {
        self.links = links
    }

    /// How often a client sent something and waited for the answer.
    package var roundTrips: Int {
        links.reduce(0) { sum, pieces in
            var trips = 0
            var isWaiting = false
            for piece in pieces {
                switch piece {
                case .request where !isWaiting:
                    trips += 1
                    isWaiting = true
                case .request: break
                case .reply: isWaiting = false
                }
            }
            return sum + trips
        }
    }

    package var requestBytes: Int { requests.reduce(0) { $0 + $1.count } }

    package var replyBytes: Int {
        links.joined().reduce(0) { sum, piece in
            if case .reply(let bytes) = piece { sum + bytes.count } else { sum }
        }
    }

    /// What each connection sent.
    private var requests: [[UInt8]] {
        links.map { pieces in
            pieces.flatMap { piece in if case .request(let bytes) = piece { bytes } else { [UInt8]() } }
        }
    }

    /// The names of the commands, if it is Redis that was talked to.
    package var redisCommands: [String] {
        requests.flatMap { bytes in
            var rest = bytes[...]
            var names: [String] = []
            func number(_ marker: Character) -> Int? {
                guard rest.first == marker.asciiValue, let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
                    return nil
                }
                defer { rest = rest[(end + 1)...] }
                return Int(String(decoding: rest[(rest.startIndex + 1)..<(end - 1)], as: UTF8.self))
            }
            while let count = number("*") {
                for index in 0..<count {
                    guard let length = number("$"), rest.count >= length + 2 else { return names }
                    if index == 0 { names.append(String(decoding: rest.prefix(length), as: UTF8.self)) }
                    rest = rest.dropFirst(length + 2)
                }
            }
            return names
        }
    }

    /// The names of the commands, if it is MongoDB that was talked to.
    package var mongoCommands: [String] {
        requests.flatMap { bytes in
            var rest = bytes[...]
            var names: [String] = []
            func number(at offset: Int) -> Int {
                rest.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            }
            // A header of sixteen bytes, flags, the kind of the first section, the length of its document, and the type of
            // its first element, whose name is the command's.
            while rest.count >= 27, number(at: 0) >= 27, rest.count >= number(at: 0) {
                let name = rest.dropFirst(26).prefix { $0 != 0 }
                if number(at: 12) == 2013 { names.append(String(decoding: name, as: UTF8.self)) }
                rest = rest.dropFirst(number(at: 0))
            }
            return names
        }
    }

    /// The statements that were executed, if it is PostgreSQL that was talked to: by the names that they were prepared as.
    package var postgresStatements: [String] {
        requests.flatMap { bytes in
            var rest = bytes[...]
            var names: [String] = []
            while rest.count >= 5, let kind = rest.first {
                let length = rest.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard length >= 4, rest.count > length else { return names }
                let body = rest.dropFirst(5).prefix(length - 4)
                switch kind {
                case UInt8(ascii: "B"):
                    // The portal's name, empty here, and the statement's, each ended by a zero.
                    let parts = body.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
                    names.append(parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "")
                case UInt8(ascii: "Q"): names.append(String(decoding: body.dropLast(), as: UTF8.self))
                default: break
                }
                rest = rest.dropFirst(1 + length)
            }
            return names
        }
    }
}
