import HTTPTypes

/// Keeps caches from handing one user's response to another (checklist section G).
enum CacheProtection {
    /// Says that the response depends on the cookie (CA-03), or on the header that has the credential, beside whatever
    /// else it depends on.
    static func vary(_ fields: inout HTTPFields, by transports: SessionTransport = .cookie) {
        let present = fields.contains(.vary) ? fields[fields: .vary].flatMap { members($0.value) } : []
        guard !present.contains("*") else { return }
        if transports.contains(.cookie), !present.contains("cookie") { fields.append(varyByCookie) }
        if transports.contains(.header), !present.contains("authorization") { fields.append(varyByHeader) }
    }

    /// Made once: making a field checks every byte of it.
    private static let varyByCookie = HTTPField(name: .vary, value: "Cookie")
    private static let varyByHeader = HTTPField(name: .vary, value: "Authorization")

    /// Forbids storing a response that sets our cookie, whatever the application asked for (CA-01, CA-02): a stored
    /// Set-Cookie is replayed to everybody (RFC 9111 section 7.3).
    static func forbidStoring(_ fields: inout HTTPFields) {
        removeTargeted(&fields)
        fields[.cacheControl] = "no-store"
    }

    /// Forbids shared caches a response that read a session with an owner (CA-05). A stricter or a private rule of the
    /// application's own stands, but no exception from it.
    static func forbidSharing(_ fields: inout HTTPFields) {
        removeTargeted(&fields)
        let directives = fields[fields: .cacheControl].flatMap { members($0.value) }
        guard !directives.contains(where: { $0 == "no-store" || $0 == "private" }) else { return }
        let kept = directives.filter { $0 != "public" && !$0.hasPrefix("s-maxage") }
        fields[.cacheControl] = (["private"] + kept).joined(separator: ", ")
    }

    /// Removes the fields that speak to some caches alone, which would follow them in place of Cache-Control.
    private static func removeTargeted(_ fields: inout HTTPFields) {
        guard fields.contains(where: { isTargeted($0.name) }) else { return }
        fields.removeAll { isTargeted($0.name) }
    }

    /// Whether a field is one that speaks to some caches alone.
    ///
    /// RFC 9213 section 2 has a suffix for them by convention, which vendors follow. Some have older names.
    private static func isTargeted(_ name: HTTPField.Name) -> Bool {
        let name = name.canonicalName
        return name.utf8.suffix(suffix.count).elementsEqual(suffix) || otherTargeted.contains(name)
    }

    private static let suffix = Array("-cache-control".utf8)
    private static let otherTargeted: Set<String> = ["surrogate-control", "edge-control", "x-accel-expires"]

    /// The members of a comma-separated list, in lower case.
    static func members(_ value: String) -> [String] {
        value.utf8.split(separator: UInt8(ascii: ",")).map { member in
            let start = member.drop(while: { $0 == 0x20 || $0 == 0x09 })
            let trimmed = start.reversed().drop(while: { $0 == 0x20 || $0 == 0x09 }).reversed()
            return String(decoding: trimmed, as: UTF8.self).lowercased()
        }
    }
}
