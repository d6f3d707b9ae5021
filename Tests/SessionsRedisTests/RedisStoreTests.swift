#if Redis
import Testing

/// Every test of this target that has a server, one at a time: servers, proxies and processors are few.
///
/// The limit is not for speed: it cancels a test that waits for what never comes.
@Suite("Redis store", .serialized, .timeLimit(.minutes(5)))
enum RedisStoreTests {}
#endif
