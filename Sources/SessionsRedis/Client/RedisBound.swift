#if Redis
import Sessions

/// When a method of the store that sends several commands has to be over: each command has its own deadline, and none of
/// them may go beyond this.
enum RedisBound {
    @TaskLocal static var end: ContinuousClock.Instant?

    static var isOver: SessionStoreError {
        SessionStoreError(
            .timedOut,
            "Redis did not answer in time: a command that was to follow others has not been sent. Look at the server's load "
                + "and its slow log, or raise callDeadline if it is known to be slow."
        )
    }
}
#endif
