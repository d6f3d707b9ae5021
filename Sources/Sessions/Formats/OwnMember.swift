/// What only this library reads of a session in another system's record: owner, flash, CSRF material, the session's
/// beginning. It is one more value, `swiftSession`, which the other system carries along like any other.
struct OwnMember: Sendable {
    /// The name of the value.
    static let name = ValueName("swiftSession")

    private static let ownerName = ValueName("owner")
    private static let deadlineName = ValueName("until")
    private static let idleName = ValueName("idleUntil")

    /// The content, whose values are those that stand aside and no others.
    var content: RecordContent
    var owner: OwnerKey?
    var absoluteDeadline: Timestamp?
    /// Where nothing else keeps it.
    var idleDeadline: Timestamp?

    /// Reads the member; `nil` if it is not one of ours.
    init?(_ text: JSONText) {
        guard var content = NativeRecordFormat().decode(Array(text)) else { return nil }
        owner = Self.take(Self.ownerName, String.self, from: &content).map { OwnerKey($0) }
        absoluteDeadline = Self.take(Self.deadlineName, Int.self, from: &content)
            .map { Timestamp(microseconds: Int64($0)) }
        idleDeadline = Self.take(Self.idleName, Int.self, from: &content).map { Timestamp(microseconds: Int64($0)) }
        self.content = content
    }

    /// Takes a member out that the native format does not know.
    private static func take<Value: Decodable>(
        _ name: ValueName,
        _ type: Value.Type,
        from content: inout RecordContent
    ) -> Value? {
        guard let index = content.unknown.firstIndex(where: { $0.name == name }) else { return nil }
        return JSONCoding.decode(type, from: content.unknown.remove(at: index).text)
    }

    /// The member of a record, as JSON.
    ///
    /// - Parameter keepsIdleDeadline: Whether nothing else keeps it. Where something does, it knows one deadline, the
    ///   earlier of ours: an idle one that comes after the absolute one is kept all the same.
    static func text(of record: LoadedRecord, keepsIdleDeadline: Bool) -> [UInt8] {
        var content = record.content
        content.foreign = []
        // The values are beside it; what stands aside has no other place.
        content.values.keepAside()
        if let owner = record.stored.owner {
            var text: [UInt8] = []
            JSONString.append(owner.text, to: &text)
            content.unknown.append(SessionValues.Entry(name: ownerName, text: JSONText(text)))
        }
        func put(_ name: ValueName, _ deadline: Timestamp) {
            let text = JSONText(String(deadline.microseconds).utf8)
            content.unknown.append(SessionValues.Entry(name: name, text: text))
        }
        put(deadlineName, record.stored.absoluteDeadline)
        if keepsIdleDeadline || record.stored.idleDeadline > record.stored.absoluteDeadline {
            put(idleName, record.stored.idleDeadline)
        }
        return NativeRecordFormat().encode(content)
    }
}
