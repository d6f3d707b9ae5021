#if Redis
import Foundation
import SessionsRedisCodec
import Testing

@Suite("Redis's protocol")
struct CodecTests {
    /// What a decoder makes of bytes that come in pieces of a size.
    static func messages(
        _ bytes: [UInt8],
        pieces: Int = .max,
        limits: RESPLimits = RESPLimits()
    ) throws(RESPError) -> [RESPDecoder.Message] {
        var decoder = RESPDecoder(limits: limits)
        var result: [RESPDecoder.Message] = []
        var rest = bytes[...]
        repeat {
            let piece = Array(rest.prefix(pieces))
            rest = rest.dropFirst(piece.count)
            piece.withUnsafeBytes { decoder.append($0) }
            while let message = try decoder.next() { result.append(message) }
        } while !rest.isEmpty
        return result
    }

    static func replies(_ text: String, pieces: Int = .max) throws(RESPError) -> [RedisValue] {
        try messages(Array(text.utf8), pieces: pieces).compactMap {
            if case .reply(let value) = $0 { value } else { nil }
        }
    }

    static let values: [(String, RedisValue)] = [
        ("+OK\r\n", .text("OK")), ("+\r\n", .text("")), (":0\r\n", .integer(0)), (":-5\r\n", .integer(-5)),
        (":+5\r\n", .integer(5)), (":9223372036854775807\r\n", .integer(.max)),
        ("$0\r\n\r\n", .text("")), ("$5\r\na\r\nb\n\r\n", .text("a\r\nb\n")), ("$-1\r\n", .null), ("*-1\r\n", .null),
        ("_\r\n", .null), ("#t\r\n", .integer(1)), ("#f\r\n", .integer(0)), (",3.25\r\n", .text("3.25")),
        (",inf\r\n", .text("inf")),
        ("(3492890328409238509324850943850943825024385\r\n", .text("3492890328409238509324850943850943825024385")),
        ("=8\r\ntxt:text\r\n", .text("text")), ("*0\r\n", .array([])),
        ("*2\r\n*1\r\n:1\r\n$-1\r\n", .array([.array([.integer(1)]), .null])),
        ("%1\r\n+key\r\n:1\r\n", .array([.text("key"), .integer(1)])),
        ("~2\r\n:1\r\n:2\r\n", .array([.integer(1), .integer(2)])),
        ("|1\r\n+ttl\r\n:3600\r\n:7\r\n", .integer(7)),
        ("*2\r\n|1\r\n+ttl\r\n*1\r\n:1\r\n:7\r\n:8\r\n", .array([.integer(7), .integer(8)])),
        ("-ERR no\r\n", .error(RedisServerError("ERR no"))),
        ("!21\r\nSYNTAX invalid syntax\r\n", .error(RedisServerError("SYNTAX invalid syntax"))),
    ]

    @Test("every type of both versions is read, however its bytes are cut", arguments: [Int.max, 1, 2, 3, 7])
    func types(pieces: Int) throws {
        for (text, value) in Self.values {
            #expect(try Self.replies(text, pieces: pieces) == [value], "\(text)")
        }
        let all = Self.values.map(\.0).joined()
        #expect(try Self.replies(all, pieces: pieces) == Self.values.map(\.1))
    }

    @Test("what the server tells unasked is kept apart from answers")
    func pushes() throws {
        let messages = try Self.messages(Array(":1\r\n>2\r\n+invalidate\r\n*1\r\n+key\r\n:2\r\n".utf8))
        #expect(
            messages == [
                .reply(.integer(1)), .push([.text("invalidate"), .array([.text("key")])]), .reply(.integer(2)),
            ]
        )
    }

    @Test(
        "what is no reply is refused",
        arguments: [
            "hello\r\n", "HTTP/1.1 400 Bad Request\r\n", ":\r\n", ":x\r\n", ":1x\r\n", ":9223372036854775808\r\n",
            ":--1\r\n", "$-2\r\n\r\n",
            "$3\r\nabcd\r\n", "$3\r\nabc\n\r", "+OK\n", "\r\n", "_x\r\n", "#x\r\n", "#\r\n", "=3\r\ntxt\r\n", "=-1\r\n",
            "*-2\r\n", "*1x\r\n",
            "%-1\r\n", "*2\r\n>1\r\n:1\r\n", "$99999999999999999999\r\n", "*9223372036854775807\r\n",
            "%9223372036854775807\r\n",
            "*?\r\n", "$?\r\n",
        ]
    )
    func refuses(_ text: String) {
        #expect(throws: RESPError.self) { _ = try Self.replies(text) }
        #expect(throws: RESPError.self) { _ = try Self.replies(text, pieces: 1) }
    }

    @Test("a reply beyond the limits is refused before it has come, and costs nothing")
    func limits() {
        var limits = RESPLimits()
        (limits.string, limits.line, limits.values, limits.total, limits.depth) = (100, 20, 10, 150, 3)
        func error(_ text: String) -> RESPError? {
            do {
                _ = try Self.messages(Array(text.utf8), limits: limits)
                return nil
            } catch {
                return error
            }
        }
        #expect(error("$101\r\n") == .stringTooLong)
        #expect(error("$100\r\n") == nil)
        #expect(error("+" + String(repeating: "x", count: 21)) == nil)
        #expect(error("+" + String(repeating: "x", count: 23)) == .lineTooLong)
        #expect(error("*11\r\n") == .tooManyValues)
        #expect(error("*2\r\n*8\r\n" + String(repeating: ":1\r\n", count: 8) + "*9\r\n") == .tooManyValues)
        #expect(error("%6\r\n") == .tooManyValues)
        #expect(error("*2\r\n$100\r\n" + String(repeating: "x", count: 100) + "\r\n$51\r\n") == .replyTooLong)
        // Lines count as strings do, though nobody announces how long they are.
        #expect(
            error("*9\r\n" + String(repeating: "+" + String(repeating: "x", count: 19) + "\r\n", count: 9))
                == .replyTooLong
        )
        #expect(error("*1\r\n*1\r\n*1\r\n") == nil)
        #expect(error("*1\r\n*1\r\n*1\r\n*1\r\n") == .tooDeep)
        // The next reply begins anew.
        #expect(error(String(repeating: "$90\r\n" + String(repeating: "x", count: 90) + "\r\n", count: 20)) == nil)
    }

    @Test("a server's error is told by its name, and its text by nobody (LG-01)")
    func errors() {
        let error = RedisServerError(
            "ERR unknown command 'EVALSHA', with args beginning with: 'sessions:s:abc' 'payload'"
        )
        #expect(error.code == "ERR")
        var dumped = ""
        dump(error, to: &dumped)
        for text in [
            "\(error)", String(describing: error), String(reflecting: error), dumped, "\(RedisValue.error(error))",
        ] {
            #expect(!text.contains("abc") && !text.contains("payload"), "\(text)")
        }
        #expect(RedisServerError("LOADING Redis is loading").code == "LOADING")
        #expect(RedisServerError("some text").code == "ERR")
        #expect(RedisServerError("").code == "ERR")
    }

    @Test("a command is written as an array of strings, whatever is in them")
    func encodes() {
        var bytes: [UInt8] = []
        RESPEncoder.write([Array("SET".utf8), [0, 13, 10], Array(repeating: 7, count: 12)], to: &bytes)
        #expect(
            bytes == Array("*3\r\n$3\r\nSET\r\n$3\r\n".utf8) + [0, 13, 10] + Array("\r\n$12\r\n".utf8)
                + Array(repeating: 7, count: 12) + [13, 10]
        )
    }

    // MARK: Fuzz

    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    /// A reply, and how it is written in one of the two versions.
    static func sample(_ generator: inout Generator, depth: Int = 0) -> (RedisValue, String) {
        let count = Int.random(in: 0...4, using: &generator)
        let text = String((0..<count).map { _ in "ab\r\n$*:%é".randomElement(using: &generator) ?? "x" })
        switch Int.random(in: 0..<(depth < 4 ? 12 : 9), using: &generator) {
        case 0: return (.null, ["$-1\r\n", "*-1\r\n", "_\r\n"].randomElement(using: &generator) ?? "")
        case 1:
            let number = Int64.random(in: .min + 1 ... .max, using: &generator)
            return (.integer(number), ":\(number)\r\n")
        case 2, 3, 4: return (.text(text), "$\(text.utf8.count)\r\n\(text)\r\n")
        case 5: return (.text("OK"), "+OK\r\n")
        case 6: return (.error(RedisServerError("ERR x")), "-ERR x\r\n")
        case 7: return (.integer(1), "#t\r\n")
        case 8: return (.text(text), "=\(text.utf8.count + 4)\r\ntxt:\(text)\r\n")
        case 9:
            let pairs = (0..<count * 2).map { _ in sample(&generator, depth: depth + 1) }
            return (.array(pairs.map(\.0)), "%\(count)\r\n" + pairs.map(\.1).joined())
        default:
            let items = (0..<count).map { _ in sample(&generator, depth: depth + 1) }
            let type = Bool.random(using: &generator) ? "*" : "~"
            return (.array(items.map(\.0)), "\(type)\(count)\r\n" + items.map(\.1).joined())
        }
    }

    static func fuzz(_ rounds: Int, _ round: (inout Generator) throws -> Void) rethrows {
        let seconds = ProcessInfo.processInfo.environment["SESSIONS_FUZZ_SECONDS"].flatMap(Double.init)
        let end = seconds.map { Date().addingTimeInterval($0) }
        var seed: UInt64 = end == nil ? 1 : .random(in: .min ... .max)
        var count = 0
        while end.map({ $0 > Date() }) ?? (count < rounds) {
            var generator = Generator(state: seed)
            try round(&generator)
            seed &+= 1
            count += 1
        }
    }

    @Test("Fuzz: replies come out as they went in, whatever their shape and however they are cut")
    func fuzzGenuine() throws {
        try Self.fuzz(5_000) { generator in
            let samples = (0..<3).map { _ in Self.sample(&generator) }
            let bytes = Array(samples.map(\.1).joined().utf8)
            let pieces = Int.random(in: 1...max(bytes.count, 1), using: &generator)
            let messages = try Self.messages(bytes, pieces: pieces)
            #expect(messages == samples.map { .reply($0.0) })
        }
    }

    @Test("Fuzz: mangled replies are refused or read, the same in one piece and byte by byte")
    func fuzzMangled() throws {
        Self.fuzz(10_000) { generator in
            var bytes = Array((0..<3).map { _ in Self.sample(&generator).1 }.joined().utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: index)
                case 2:
                    bytes.insert(Array("*$%~>|0123456789-\r\n".utf8).randomElement(using: &generator) ?? 0, at: index)
                default: bytes.removeSubrange(index...)
                }
                if bytes.isEmpty { bytes = [UInt8(ascii: ":")] }
            }
            var limits = RESPLimits()
            (limits.string, limits.total, limits.values) = (1 << 20, 1 << 20, 1000)
            let whole = Result { () throws(RESPError) in try Self.messages(bytes, limits: limits) }
            let pieces = Result { () throws(RESPError) in try Self.messages(bytes, pieces: 1, limits: limits) }
            switch (whole, pieces) {
            case (.success(let one), .success(let two)): #expect(one == two)
            case (.failure, .failure): break
            default: Issue.record("in one piece and byte by byte differ: \(bytes)")
            }
        }
    }
}
#endif
