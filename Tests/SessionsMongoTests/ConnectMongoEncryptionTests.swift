#if Mongo
import Crypto
import CryptoExtras
import Foundation
import Sessions
import SessionsMongo
import TestServers
import Testing

extension MongoStoreTests {
    /// connect-mongo's `cryptoAdapter`, by what is in the collection.
    @Suite("connect-mongo: its adapter")
    struct ConnectMongoEncryptionTests {
        /// What Node's WebCrypto made of `json` with the settings of an adapter, and the key that it made of the secret.
        struct Vector: Sendable, CustomTestStringConvertible {
            static let json = #"{"cookie":{},"u":1}"#
            static let key = "6dd0fead9957ec628374213bcc9d20e268e558693a79652665ed61c9bac10b9e"

            let testDescription: String
            var algorithm = ConnectMongoEncryption.Algorithm.aesGCM
            var encoding = ConnectMongoEncryption.Encoding.base64
            /// With 100 000 iterations; `nil` for the defaults.
            var salt: String?
            var key = Vector.key
            let text: String

            static let all = [
                Vector(
                    testDescription: "base64",
                    text: "AAAAAAAAAAAAAAAAf9Ur38LVnjME/eqowo+aPLSeicSeem+TkP0VtCJ20UWxv/E="
                ),
                Vector(
                    testDescription: "base64url",
                    encoding: .base64URL,
                    text: "-_z9_v_7_P3-__v8CZfPi5oB2uqfglv6BrN82sJfP0mI2znS337HRKyqdGNpcsc"
                ),
                Vector(
                    testDescription: "hex",
                    encoding: .hexadecimal,
                    text: "fbfcfdfefffbfcfdfefffbfc0997cf8b9a01daea9f825bfa06b37cdac25f3f4988db39d2df7ec744"
                        + "acaa74636972c7"
                ),
                Vector(
                    testDescription: "salt and iterations",
                    encoding: .base64URL,
                    salt: "custom-salt",
                    key: "92d25f5f92c52868490b85e560543b4ac1a2c446911ddd2fab4402f2d0070043",
                    text: "-_z9_v_7_P3-__v8RqB8HdZHGEKbUP3jWO3wZHi7d7yg2FKHfP3-leh2q2vV05M"
                ),
                Vector(
                    testDescription: "AES-CBC",
                    algorithm: .aesCBC,
                    text: "AAAAAAAAAAAAAAAAAAAAANxq01kD1m5BexW3SmIfXkzm9iHCpnhW2P0dLfbizPPf"
                ),
            ]

            func encryption() throws -> ConnectMongoEncryption {
                guard let salt else {
                    return try ConnectMongoEncryption(secret: "sup3r-secr3t", algorithm: algorithm, encoding: encoding)
                }
                return try ConnectMongoEncryption(
                    secret: "sup3r-secr3t",
                    salt: salt,
                    iterations: 100_000,
                    algorithm: algorithm,
                    encoding: encoding
                )
            }

            /// What Node makes of a text of the store's, by nothing of this package's.
            func opened(_ text: String) throws -> [UInt8] {
                let bytes = try decoded(text)
                let key = try SymmetricKey(data: Self.hex(self.key))
                switch algorithm {
                case .aesGCM: return Array(try AES.GCM.open(AES.GCM.SealedBox(combined: bytes), using: key))
                case .aesCBC:
                    let vector = try AES._CBC.IV(ivBytes: bytes.prefix(16))
                    return Array(try AES._CBC.decrypt(bytes.dropFirst(16), using: key, iv: vector))
                }
            }

            private func decoded(_ text: String) throws -> Data {
                switch encoding {
                case .base64: return try #require(Data(base64Encoded: text))
                case .base64URL:
                    #expect(!text.contains { "+/=".contains($0) })
                    let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
                    let base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
                    return try #require(Data(base64Encoded: base64 + padding))
                case .hexadecimal:
                    #expect(text == text.lowercased())
                    return try Self.hex(text)
                }
            }

            private static func hex(_ text: String) throws -> Data {
                var (bytes, rest) = (Data(), text[...])
                while !rest.isEmpty {
                    bytes.append(try #require(UInt8(rest.prefix(2), radix: 16)))
                    rest = rest.dropFirst(2)
                }
                return bytes
            }
        }

        /// What the one document of the collection has in `session`, a text without quotes.
        private static func text(_ scratch: Scratch) async throws -> String {
            let found = try await scratch.other(#"{"find": "@"}"#)
            let rest = try #require(found.range(of: #""session" : ""#).map { found[$0.upperBound...] })
            return String(rest.prefix { $0 != "\"" })
        }

        @Test(
            "connect-mongo 31–35, 41, 42: what Node's adapter wrote is loaded, and Node can open what the store writes",
            arguments: Vector.all,
            [true, false]
        )
        func bothWays(_ vector: Vector, stringify: Bool) async throws {
            let scratch = try await Scratch.standalone()
            let store = try await ConnectMongoTests.store(scratch, stringify: stringify, vector.encryption())
            try await scratch.other(#"{"insert": "@", "documents": [{"_id": "id", "session": "\#(vector.text)"}]}"#)
            let key = try ConnectMongoTests.key()
            let found = try #require(try await store.load(key))
            #expect(String(decoding: found.payload, as: UTF8.self) == Vector.json)
            let next = ConnectMongoTests.record(#"{"cookie":{},"u":2,"name":"\u00fc"}"#)
            #expect(try await store.replace(next, at: key, ifPayload: found.payload) == .replaced)
            let written = try await Self.text(scratch)
            #expect(try vector.opened(written) == next.payload)
            #expect(try await store.entries(after: nil, limit: 2).map(\.record.payload) == [next.payload])
            // The same is never written as the same.
            #expect(try await store.replace(next, at: key, ifPayload: next.payload) == .replaced)
            #expect(try await Self.text(scratch) != written)
        }

        @Test("the adapter: a session of any length is read again")
        func lengths() async throws {
            let scratch = try await Scratch.standalone { $0.confirmation = .unflushed }
            for vector in Vector.all {
                let encryption = try ConnectMongoEncryption(
                    secret: "s",
                    iterations: 2,
                    algorithm: vector.algorithm,
                    encoding: vector.encoding
                )
                let store = try await ConnectMongoTests.store(scratch, encryption)
                for length in 0..<20 {
                    let record = ConnectMongoTests.record(String(repeating: "ü", count: length))
                    let key = try ConnectMongoTests.key("\(vector.testDescription) \(length)")
                    #expect(try await store.insert(record, at: key))
                    #expect(try await store.load(key)?.payload == record.payload)
                }
            }
        }

        @Test(
            "the adapter: what was changed, sealed under another key or not sealed is no session, and stays as it is",
            arguments: [ConnectMongoEncryption.Encoding.base64, .base64URL, .hexadecimal]
        )
        func strange(_ encoding: ConnectMongoEncryption.Encoding) async throws {
            let scratch = try await Scratch.standalone()
            let encryption = try ConnectMongoEncryption(secret: "s", iterations: 2, encoding: encoding)
            let other = try ConnectMongoEncryption(secret: "s", salt: "t", iterations: 2, encoding: encoding)
            let (record, key) = (ConnectMongoTests.record(), try ConnectMongoTests.key())
            let store = try await ConnectMongoTests.store(scratch, encryption)
            let stranger = try await ConnectMongoTests.store(scratch, other)
            #expect(try await stranger.insert(record, at: key))
            let sealed = try await Self.text(scratch)
            let json = #"{\"cookie\":{}}"#
            for text in [sealed, "A" + sealed, String(sealed.dropLast(4)), "", "=", "%", "zz", "ü", json] {
                try await scratch.other(
                    #"{"update": "@", "updates": [{"q": {}, "u": {"$set": {"session": "\#(text)"}}}]}"#
                )
                let payload = try #require(try await store.load(key)).payload
                #expect(String(validating: payload, as: UTF8.self) == nil, Comment(rawValue: text))
                // Neither does the store write over it for who has read something else.
                guard case .conflict = try await store.replace(record, at: key, ifPayload: record.payload) else {
                    Issue.record("replaced: \(text)")
                    continue
                }
            }
            #expect(try await scratch.other(#"{"find": "@"}"#).contains(#""session" : "{\"cookie\":{}}""#))
            try await scratch.other(
                #"{"update": "@", "updates": [{"q": {}, "u": {"$set": {"session": {"cookie": {}}}}}]}"#
            )
            #expect(try await storeError { try await store.load(key) }?.code == .unusable)
        }

        @Test("the adapter: its description shows no key")
        func description() throws {
            let encryption = try ConnectMongoEncryption(secret: "s3cret", iterations: 2)
            #expect("\(encryption)" == "ConnectMongoEncryption")
            #expect(Mirror(reflecting: encryption).children.isEmpty)
        }
    }
}
#endif
