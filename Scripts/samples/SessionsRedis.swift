// What the samples of the store on Redis leave to the reader: of valkey-swift, what one of them uses.

import NIOCore
import Sessions
import SessionsRedis

var client: ValkeyClient { fatalError() }
final class ValkeyClient: Sendable {
    func execute<Command: ValkeyCommand>(_ command: Command) async throws(ValkeyClientError) -> Command.Response {
        fatalError()
    }
}
struct ValkeyClientError: Error {
    struct ErrorCode: Equatable { static var commandError: Self { fatalError() } }
    let errorCode: ErrorCode
    let message: String?
}
protocol ValkeyCommand: Sendable, Hashable {
    associatedtype Response: Sendable = RESPToken
    associatedtype Keys: Collection<ValkeyKey>
    static var name: String { get }
    var keysAffected: Keys { get }
    func encode(into commandEncoder: inout ValkeyCommandEncoder)
}
struct ValkeyCommandEncoder {
    mutating func encodeArray(_ words: [ValkeyKey]) {}
}
struct ValkeyKey: Sendable, Hashable { init(_ buffer: ByteBuffer) {} }
struct RESPToken: Sendable, Hashable {
    struct Array: Sequence, Sendable, Hashable {
        func makeIterator() -> AnyIterator<RESPToken> { fatalError() }
    }
    struct Map: Sequence, Sendable, Hashable {
        func makeIterator() -> AnyIterator<(key: RESPToken, value: RESPToken)> { fatalError() }
    }
    enum Value: Hashable, Sendable {
        case simpleString(ByteBuffer), simpleError(ByteBuffer), bulkString(ByteBuffer), bulkError(ByteBuffer)
        case verbatimString(ByteBuffer), number(Int64), double(Double), boolean(Bool), null, bigNumber(ByteBuffer)
        case array(Array), attribute(Map), map(Map), set(Array), push(Array)
    }
    var value: Value { fatalError() }
}
