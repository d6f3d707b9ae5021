#if Mongo
import Testing

/// Every test of this target, one at a time: they share servers.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("MongoDB store", .serialized, .timeLimit(.minutes(10)))
enum MongoStoreTests {}
#endif
