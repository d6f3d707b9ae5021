/// The name, the type and the default of one value in a session.
///
/// ```swift
/// extension SessionKey<Int> { static var visits: Self { Self("visits", default: 0) } }
/// extension SessionKey<String?> { static var notice: Self { Self("notice") } }
/// ```
///
/// The name is the key's identity: two keys of one name are one value. A value whose type changes should keep decoding
/// what older versions wrote; where it does not, the old bytes are set aside and the default is read.
public struct SessionKey<Value: Codable & Sendable>: Sendable {
    /// The name under which the value stands in the record.
    public let name: String

    /// What is read where the session has no such value.
    public let defaultValue: Value

    let valueName: ValueName

    /// Creates a key.
    public init(_ name: String, default defaultValue: Value) {
        self.name = name
        self.defaultValue = defaultValue
        valueName = ValueName(name)
    }
}

extension SessionKey where Value: ExpressibleByNilLiteral {
    /// Creates a key whose default is `nil`.
    public init(_ name: String) {
        self.init(name, default: nil)
    }
}
