/// How much of a request's `Cookie` fields is read (checklist PR-10).
///
/// A request beyond a limit is treated as one with no readable cookie at all. What lies behind the limit is not
/// known, so a cookie before it could be one of two.
public struct CookieLimits: Sendable, Hashable {
    /// 256 pairs, 16 KiB.
    public static let `default` = CookieLimits()

    /// The most pairs in a request, counted before they are compared with any name.
    public let pairs: Int

    /// The most bytes in all `Cookie` fields of a request together, counted as if they were joined with `"; "`.
    public let bytes: Int

    /// Creates limits; what is left out is as in ``default``.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `limit` if one is zero or negative (CF-12).
    public init(pairs: Int = 256, bytes: Int = 16_384) throws(SessionConfigurationError) {
        guard pairs > 0, bytes > 0 else {
            throw SessionConfigurationError(
                .limit,
                "A limit on cookies below 1 reads none. Raise pairs and bytes to 1 or more."
            )
        }
        self.pairs = pairs
        self.bytes = bytes
    }

    private init() {
        pairs = 256
        bytes = 16_384
    }
}
