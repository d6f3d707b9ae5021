#if Mongo
import CMongoC
import Sessions
import Synchronization

/// libmongoc's pool of clients.
// `mongoc_client_pool_t` is made to be used by many threads at once, and the pointer to it is taken out of the mutex once, by
// whoever destroys it after the last thread that borrows from it.
final class MongoPool: @unchecked Sendable {
    private let pool: Mutex<OpaquePointer?>
    let settings: MongoSettings

    /// Makes a pool; it connects when somebody borrows from it. May wait for a name server.
    init(_ uri: MongoURI, _ settings: MongoSettings) throws {
        Self.setUp
        self.settings = settings
        var error = bson_error_t()
        guard let pool = try uri.withURI({ mongoc_client_pool_new_with_error($0, &error) }) else {
            throw MongoFailure.notConnected(error)
        }
        mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2)
        mongoc_client_pool_max_size(pool, UInt32(settings.configuration.connectionLimit))
        self.pool = Mutex(pool)
    }

    deinit { destroy() }

    /// Lends a client to `body`, whose commands end at `deadline`.
    func lend(until deadline: ContinuousClock.Instant, _ body: (MongoConnection) -> Void) {
        // There are as many clients as threads.
        guard let pool = pool.withLock({ Box($0) }).pointer, let client = mongoc_client_pool_pop(pool) else { return }
        defer { mongoc_client_pool_push(pool, client) }
        body(MongoConnection(client: client, settings: settings, deadline: deadline))
    }

    /// Closes every connection; blocks. Nobody may borrow then.
    func destroy() {
        if let pool = pool.withLock({ Box($0.take()) }).pointer { mongoc_client_pool_destroy(pool) }
    }

    // A pointer on its way out of the mutex.
    private struct Box: @unchecked Sendable {
        let pointer: OpaquePointer?
        init(_ pointer: OpaquePointer?) { self.pointer = pointer }
    }

    /// Once a process, before anything else of libmongoc.
    static let setUp: Void = {
        mongoc_init()
        // By default it writes to standard error, and quotes connection strings there.
        mongoc_log_set_handler(nil, nil)
    }()
}

/// What every command of a store has in common.
struct MongoSettings: Sendable {
    let configuration: MongoSessionStore.Configuration
    let database: String
}
#endif
