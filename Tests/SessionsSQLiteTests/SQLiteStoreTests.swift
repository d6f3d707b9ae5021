#if SQLite
import Testing

/// Every test of this target, one at a time: each store has a dozen files open, and macOS gives a process 256.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("SQLite store", .serialized, .timeLimit(.minutes(10)))
enum SQLiteStoreTests {}
#endif
