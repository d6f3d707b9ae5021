// What the samples of the adapter for SwiftNIO leave to the reader.

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket
import Sessions
import SessionsNIO

var connection: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> { fatalError() }
var request: SessionRequest { fatalError() }
var response: SessionResponseWriter { fatalError() }

final class WebSocketHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = WebSocketFrame
}
