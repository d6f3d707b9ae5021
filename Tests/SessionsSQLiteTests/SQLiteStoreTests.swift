#if SQLite
import Testing

/// Every test of this target, one at a time: each store has a dozen files open, and macOS gives a process 256.
@Suite("SQLite store", .serialized)
enum SQLiteStoreTests {}
#endif
