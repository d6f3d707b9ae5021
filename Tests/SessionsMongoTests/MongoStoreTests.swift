#if Mongo
import Testing

/// Every test of this target, one at a time: they share servers.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("MongoDB store", .serialized, .timeLimit(.minutes(5)))
enum MongoStoreTests {}
#endif
