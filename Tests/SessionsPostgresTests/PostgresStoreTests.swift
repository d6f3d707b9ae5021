#if Postgres
import Testing

/// Every test of this target, one at a time: they share a server.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("PostgreSQL store", .serialized, .timeLimit(.minutes(10)))
enum PostgresStoreTests {}
#endif
