/// Reads replies from bytes that come in pieces: RESP2 and RESP3.
///
/// It keeps what is incomplete, and nothing in it grows by what a peer announces: an array of a million values that never
/// come costs nothing. Nesting is a stack of its own, so that no reply can exhaust the thread's.
package struct RESPDecoder: Sendable {
    /// What came.
    package enum Message: Sendable, Hashable {
        /// The answer to a command.
        case reply(RedisValue)
        /// What the server tells unasked.
        case push([RedisValue])
    }

    private enum Aggregate { case array, push, attribute }

    private struct Frame {
        let kind: Aggregate
        var missing: Int
        var values: [RedisValue] = []
    }

    /// What one step of reading came to.
    private enum Step {
        case value(RedisValue)
        case opened(Aggregate, count: Int)
        case incomplete
    }

    private let limits: RESPLimits
    private var bytes: [UInt8] = []
    private var position = 0
    /// Up to where the line at `position` is known to have no end.
    private var searched = 0
    private var stack: [Frame] = []
    /// Of the reply that is being read.
    private var valueCount = 0
    private var byteCount = 0

    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// How many bytes wait for the rest of their reply.
    package var pending: Int { bytes.count - position }

    /// Takes in what came.
    package mutating func append(_ more: UnsafeRawBufferPointer) {
        if position == bytes.count {
            // A buffer that one large reply made large is not kept for the small ones after it.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
            searched = 0
            position = 0
        } else if position > 1 << 16, position > bytes.count / 2 {
            bytes.removeFirst(position)
            searched = max(searched - position, 0)
            position = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next message; `nil` until more bytes come.
    ///
    /// After it has thrown, it is of no more use.
    package mutating func next() throws(RESPError) -> Message? {
        while true {
            switch try step() {
            case .incomplete: return nil
            case .opened(let kind, let count):
                guard stack.count < limits.depth else { throw .tooDeep }
                if kind == .push, !stack.isEmpty { throw .misplacedPush }
                stack.append(Frame(kind: kind, missing: count))
            case .value(let value):
                guard !stack.isEmpty else { return finish(.reply(value)) }
                stack[stack.count - 1].values.append(value)
                stack[stack.count - 1].missing -= 1
            }
            if let message = close() { return message }
        }
    }

    /// Puts aggregates that are whole where they belong; a message if one came to its end.
    private mutating func close() -> Message? {
        while let top = stack.last, top.missing == 0 {
            stack.removeLast()
            switch top.kind {
            // Says something about the value after it that no store asks for.
            case .attribute: return nil
            case .push: return finish(.push(top.values))
            case .array:
                guard !stack.isEmpty else { return finish(.reply(.array(top.values))) }
                stack[stack.count - 1].values.append(.array(top.values))
                stack[stack.count - 1].missing -= 1
            }
        }
        return nil
    }

    private mutating func finish(_ message: Message) -> Message {
        valueCount = 0
        byteCount = 0
        return message
    }

    // MARK: One value

    private mutating func step() throws(RESPError) -> Step {
        guard position < bytes.count else { return .incomplete }
        guard let end = try lineEnd() else { return .incomplete }
        let line = position + 1..<end
        switch bytes[position] {
        case UInt8(ascii: "+"):
            return try scalar(.bytes(Array(bytes[line])), line, to: end + 2)
        case UInt8(ascii: "-"):
            return try scalar(.error(error(line)), line, to: end + 2)
        case UInt8(ascii: ":"):
            return try scalar(.integer(number(line)), line, to: end + 2)
        case UInt8(ascii: "$"):
            return try string(line, end) { .bytes(Array($0)) }
        case UInt8(ascii: "!"):
            return try string(line, end) { .error(RedisServerError(String(decoding: $0, as: UTF8.self))) }
        case UInt8(ascii: "="):
            // Three letters and a colon say what kind of text it is.
            return try string(line, end, atLeast: 4) { .bytes(Array($0.dropFirst(4))) }
        case UInt8(ascii: "_"):
            guard line.isEmpty else { throw .malformedValue }
            return try scalar(.null, line, to: end + 2)
        case UInt8(ascii: "#"):
            guard line.count == 1 else { throw .malformedValue }
            switch bytes[line.lowerBound] {
            case UInt8(ascii: "t"): return try scalar(.integer(1), line, to: end + 2)
            case UInt8(ascii: "f"): return try scalar(.integer(0), line, to: end + 2)
            default: throw .malformedValue
            }
        case UInt8(ascii: ","), UInt8(ascii: "("):
            guard !line.isEmpty else { throw .malformedNumber }
            return try scalar(.bytes(Array(bytes[line])), line, to: end + 2)
        case UInt8(ascii: "*"):
            if bytes[line].elementsEqual("-1".utf8) { return try scalar(.null, line, to: end + 2) }
            return try open(.array, line, to: end + 2)
        case UInt8(ascii: "~"):
            return try open(.array, line, to: end + 2)
        case UInt8(ascii: "%"):
            return try open(.array, line, pairs: true, to: end + 2)
        case UInt8(ascii: ">"):
            return try open(.push, line, to: end + 2)
        case UInt8(ascii: "|"):
            return try open(.attribute, line, pairs: true, to: end + 2)
        case let type:
            throw .unknownType(type)
        }
    }

    /// Where the line that begins at `position` ends; `nil` if its end has not come.
    private mutating func lineEnd() throws(RESPError) -> Int? {
        var index = max(searched, position + 1)
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") {
                guard bytes[index - 1] == UInt8(ascii: "\r"), index - 1 > position else { throw .malformedLine }
                guard index - 1 - position <= limits.line else { throw .lineTooLong }
                searched = index
                return index - 1
            }
            index += 1
        }
        guard bytes.count - position <= limits.line + 2 else { throw .lineTooLong }
        searched = bytes.count
        return nil
    }

    private mutating func scalar(
        _ value: RedisValue,
        _ line: Range<Int>,
        to end: Int
    ) throws(RESPError) -> Step {
        try count(1, bytes: line.count)
        advance(to: end)
        return .value(value)
    }

    private mutating func string(
        _ line: Range<Int>,
        _ end: Int,
        atLeast minimum: Int = 0,
        _ value: (ArraySlice<UInt8>) -> RedisValue
    ) throws(RESPError) -> Step {
        let length = try number(line)
        if length == -1, minimum == 0 { return try scalar(.null, line, to: end + 2) }
        guard length >= minimum else { throw .malformedNumber }
        guard length <= limits.string else { throw .stringTooLong }
        let start = end + 2
        // What is announced is counted before it has come: nobody makes us wait for more than we would take.
        guard byteCount + Int(length) <= limits.total else { throw .replyTooLong }
        guard bytes.count - start >= Int(length) + 2 else { return .incomplete }
        let finish = start + Int(length)
        guard bytes[finish] == UInt8(ascii: "\r"), bytes[finish + 1] == UInt8(ascii: "\n") else {
            throw .malformedLine
        }
        try count(1, bytes: Int(length))
        let result = value(bytes[start..<finish])
        advance(to: finish + 2)
        return .value(result)
    }

    private mutating func open(
        _ kind: Aggregate,
        _ line: Range<Int>,
        pairs: Bool = false,
        to end: Int
    ) throws(RESPError) -> Step {
        let announced = try number(line)
        guard announced >= 0 else { throw .malformedNumber }
        guard announced <= limits.values else { throw .tooManyValues }
        try count(1, bytes: line.count)
        let values = Int(announced) * (pairs ? 2 : 1)
        guard valueCount + values <= limits.values else { throw .tooManyValues }
        advance(to: end)
        return .opened(kind, count: values)
    }

    private mutating func count(_ values: Int, bytes: Int) throws(RESPError) {
        valueCount += values
        byteCount += bytes
        guard valueCount <= limits.values else { throw .tooManyValues }
        guard byteCount <= limits.total else { throw .replyTooLong }
    }

    private mutating func advance(to end: Int) {
        position = end
        searched = end
    }

    private func error(_ line: Range<Int>) -> RedisServerError {
        RedisServerError(String(decoding: bytes[line], as: UTF8.self))
    }

    private func number(_ line: Range<Int>) throws(RESPError) -> Int64 {
        var digits = bytes[line]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        guard !digits.isEmpty else { throw .malformedNumber }
        var result: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { throw .malformedNumber }
            let (scaled, overflow) = result.multipliedReportingOverflow(by: 10)
            let (sum, overflowOfSum) = scaled.subtractingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
            guard !overflow, !overflowOfSum else { throw .malformedNumber }
            result = sum
        }
        guard !isNegative else { return result }
        guard result != .min else { throw .malformedNumber }
        return -result
    }
}
