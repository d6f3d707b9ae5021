import Foundation
import SessionsTesting
import Testing

@testable import Sessions

/// Hostile bytes into everything that reads bytes. Seconds by default; as long as SESSIONS_FUZZ_SECONDS says otherwise.
@Suite("Fuzz")
struct FuzzTests {
    /// Runs `round` a fixed number of times, or for as long as asked, each with a generator of its own.
    private func fuzz(_ rounds: Int, _ round: (inout SeededGenerator) throws -> Void) rethrows {
        let seconds = ProcessInfo.processInfo.environment["SESSIONS_FUZZ_SECONDS"].flatMap(Double.init)
        let end = seconds.map { Date().addingTimeInterval($0) }
        var seed: UInt64 = end == nil ? 1 : .random(in: .min ... .max)
        var count = 0
        while end.map({ $0 > Date() }) ?? (count < rounds) {
            var generator = SeededGenerator(seed: seed)
            try round(&generator)
            seed &+= 1
            count += 1
        }
    }

    @Test("no credential but the minted one is genuine, however it is mangled")
    func credentials() throws {
        let codec = CredentialCodec(
            keys: try KeyRing([SessionSecret.generate(), .generate()]),
            realm: Realm(application: "app", cookieName: "sid")
        )
        let minted = Array(codec.mint(handle: .random(), secret: .random()).utf8)
        fuzz(20_000) { generator in
            var bytes = minted
            generator.mangle(&bytes)
            if case .genuine = codec.parse(bytes), bytes != minted {
                Issue.record("a mangled credential is genuine: \(bytes)")
            }
        }
    }

    @Test("a payload is read or refused; what is read is written so that it reads the same")
    func payloads() throws {
        let format = NativeRecordFormat()
        var content = RecordContent(
            secretHash: CredentialSecret.random().hash,
            grace: RecordContent.Grace(
                secretHash: CredentialSecret.random().hash,
                until: Timestamp(microseconds: 5),
                nonce: .random()
            ),
            createdAt: Timestamp(microseconds: 1),
            authenticatedAt: Timestamp(microseconds: 2),
            rotatedAt: Timestamp(microseconds: 3),
            recent: [.random(), .random()],
            csrfNonce: .random(),
            lifetime: .standard,
            values: SessionValues(),
            flash: [FlashEntry(id: 4, name: ValueName("a\"\\\u{1F600}"), text: Array(#"{"x":[1,"]"]}"#.utf8)[...])],
            unknown: []
        )
        try content.values.set(ValueName("cart"), to: ["a": 1, "b": 2])
        try content.values.set(ValueName("text"), to: "\u{0}\"\\\u{2028}")
        try content.values.set(ValueName("cart"), to: 7)
        let payload = format.encode(content)
        #expect(format.decode(payload) != nil)
        fuzz(20_000) { generator in
            var bytes = payload
            generator.mangle(&bytes)
            guard let read = format.decode(bytes) else { return }
            let written = format.encode(read)
            guard let again = format.decode(written) else {
                Issue.record("what was written cannot be read: \(String(decoding: bytes, as: UTF8.self))")
                return
            }
            if format.encode(again) != written || again.values != read.values || again.flash != read.flash {
                Issue.record("a rewrite changed the record: \(String(decoding: bytes, as: UTF8.self))")
            }
            for entry in read.values.entries {
                _ = read.values.value(entry.name, as: [String: Int].self)
                _ = read.values.value(entry.name, as: String.self)
                _ = read.values.value(entry.name, as: Int.self)
            }
        }
    }

    @Test("a sealed record opens only as it was sealed")
    func seals() throws {
        let ring = try KeyRing([SessionSecret.generate()])
        let sealer = Sealer(
            keys: ring,
            realm: Realm(application: "app", cookieName: "sid"),
            purpose: .record
        )
        let sealed = try sealer.seal(Array("content".utf8), context: [1])
        #expect(sealer.open(sealed, context: [1])?.bytes == Array("content".utf8))
        #expect(sealer.open(sealed, context: [2]) == nil)
        fuzz(5000) { generator in
            var bytes = sealed
            generator.mangle(&bytes)
            if bytes != sealed, sealer.open(bytes, context: [1]) != nil { Issue.record("a mangled seal opens") }
        }
    }

    @Test("any text survives as a JSON string")
    func strings() throws {
        fuzz(5000) { generator in
            let scalars = (0..<generator.below(20)).compactMap { _ in Unicode.Scalar(UInt32(generator.below(0x11_0000)))
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            guard let encoded = try? JSONCoding.encode(text),
                let decoded = JSONCoding.decode(String.self, from: encoded),
                let foundation = try? JSONDecoder().decode(String.self, from: Data(encoded))
            else {
                Issue.record("a text does not survive: \(text.debugDescription)")
                return
            }
            if Array(decoded.utf8) != Array(text.utf8) || Array(foundation.utf8) != Array(text.utf8) {
                Issue.record("a text changed: \(text.debugDescription)")
            }
        }
    }
}

extension SeededGenerator {
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// One to four random edits: flips, overwrites, deletions, insertions, repetitions, truncation.
    mutating func mangle(_ bytes: inout [UInt8]) {
        let telling = Array("{}[]\",:\\-0eE.unt\u{0}\u{7F}".utf8) + [0xFF, 0xC0, 0xE2]
        for _ in 0...below(4) where !bytes.isEmpty {
            let index = below(bytes.count)
            switch below(7) {
            case 0: bytes[index] ^= 1 << UInt8(below(8))
            case 1: bytes[index] = UInt8(truncatingIfNeeded: next())
            case 2: bytes[index] = telling[below(telling.count)]
            case 3: bytes.removeSubrange(index..<min(bytes.count, index + 1 + below(8)))
            case 4: bytes.insert(telling[below(telling.count)], at: index)
            case 5: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 1 + below(30))], at: index)
            default: bytes.removeLast(below(bytes.count))
            }
        }
    }
}
