#if Hummingbird
import Hummingbird
import Logging
import NIOCore
import Sessions
import SessionsHummingbird

/// The request context of the applications under test.
struct AppContext: SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionContext: SessionContext
    /// Whether the request came as one of several streams of an HTTP/2 connection.
    let isStream: Bool

    init(source: Source) {
        coreContext = .init(source: source)
        sessionContext = SessionContext(source)
        // A stream's channel belongs to a connection's, which belongs to the server's.
        isStream = source.channel.parent?.parent != nil
    }
}

/// A context of a group of routes, which has an owner for certain.
struct OwnedContext: ChildRequestContext, SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionContext: SessionContext

    init(context: AppContext) {
        coreContext = context.coreContext
        sessionContext = context.sessionContext
    }
}

extension SessionKey<Int> {
    static var visits: Self { Self("visits", default: 0) }
    static var theme: Self { Self("theme", default: 0) }
}

extension SessionKey<String?> {
    static var name: Self { Self("name") }
    static var notice: Self { Self("notice") }
}

extension SessionKey<[String]> {
    static var cart: Self { Self("cart", default: []) }
}
#endif
