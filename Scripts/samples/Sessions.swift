// What the samples of most pages leave to the reader.

import Configuration
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Sessions
import SessionsConfiguration
import SessionsHummingbird
import SessionsMongo
import SessionsPostgres
import SessionsRedis
import SessionsSQLite
import SessionsTesting

var sessions: SessionManager { fatalError() }
var users: SessionManager { fatalError() }
var administrators: SessionManager { fatalError() }
var store: any PayloadConditionalSessionStore & EnumerableSessionStore & SweepingSessionStore { fatalError() }
var keys: KeyRing { fatalError() }
var configuration: SessionConfiguration {
    get { fatalError() }
    set {}
}
var config: ConfigReader { fatalError() }
var csrf: CSRFPolicy { fatalError() }
var policy: OriginPolicy { fatalError() }
var origins: OriginPolicy { fatalError() }
var started: Timestamp { fatalError() }
var logger: Logger { fatalError() }

// Stores, of any kind.
var primary: PostgresSessionStore { fatalError() }
var old: FileSessionStore { fatalError() }
var new: PostgresSessionStore { fatalError() }
var files: FileSessionStore { fatalError() }
var redis: RedisSessionStore { fatalError() }
struct NodeSession: Decodable {
    struct Passport: Decodable { var user: String }
    var passport: Passport?
}

// Of a request.
var exchange: SessionExchange { fatalError() }
var session: Session { fatalError() }
var request: HTTPRequest { fatalError() }
var response: HTTPResponse {
    get { fatalError() }
    set {}
}
var body: [UInt8] { fatalError() }

// Of Hummingbird.
var router: Router<AppContext> { fatalError() }
var context: AppContext { fatalError() }
struct AppContext: SessionRequestContext {
    var coreContext: CoreRequestContextStorage
    var sessionContext = SessionContext()
    init(source: Source) { coreContext = .init(source: source) }
}

// Of the application.
var url: String { fatalError() }
var password: String { fatalError() }
var value: String? { fatalError() }
func tenant(of request: HTTPRequest) -> String { fatalError() }
extension SessionKey<Int> { static var visits: Self { Self("visits", default: 0) } }
extension SessionKey<Int> { static var count: Self { Self("count", default: 0) } }
extension SessionKey<String?> { static var user: Self { Self("user") } }
struct User { var id: String }
var user: User { fatalError() }
func authenticate(_ request: Request) async throws -> User { fatalError() }
struct Form { var remember: Bool }
var form: Form { fatalError() }
struct Page: ResponseGenerator {
    var form: String
    func response(from request: Request, context: some RequestContext) throws -> Response { fatalError() }
}
struct Alarms { func raise(_ tag: String?) {} }
var alarms: Alarms { fatalError() }
