/// An IP address of either version. An IPv4 address and its IPv6-mapped form are the same.
struct IPAddress: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    /// The address that `text` spells; `nil` if it spells none. A zone (`%eth0`) is left out of account.
    init?(_ text: some Collection<UInt8>) {
        let address = text.prefix { $0 != UInt8(ascii: "%") }
        if address.contains(UInt8(ascii: ":")) {
            guard let words = IPv6Address(address)?.words else { return nil }
            (high, low) = words
            return
        }
        let octets = address.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard octets.count == 4 else { return nil }
        var number: UInt64 = 0
        for octet in octets {
            // More digits, or a leading zero, mean octal to some and decimal to others.
            guard (1...3).contains(octet.count), octet.count == 1 || octet.first != UInt8(ascii: "0"),
                let value = UInt8(String(decoding: octet, as: UTF8.self)), octet.first != UInt8(ascii: "+")
            else { return nil }
            number = number << 8 | UInt64(value)
        }
        high = 0
        low = Self.mapped | number
    }

    /// The beginning of an IPv6 address that stands for an IPv4 one (RFC 4291 section 2.5.5.2).
    private static let mapped: UInt64 = 0xFFFF << 32

    /// Whether it is an IPv4 address.
    var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether the first `length` bits are those of `other`, of the 128 that both have.
    func shares(_ length: Int, with other: IPAddress) -> Bool {
        let highLength = min(length, 64)
        let lowLength = max(length - 64, 0)
        return Self.prefix(high ^ other.high, highLength) == 0 && Self.prefix(low ^ other.low, lowLength) == 0
    }

    private static func prefix(_ word: UInt64, _ length: Int) -> UInt64 {
        length == 0 ? 0 : word >> (64 - UInt64(length))
    }
}

/// A range of IP addresses as CIDR spells it (RFC 4632 section 3.1, RFC 4291 section 2.3); a single address without a
/// length.
struct IPRange: Sendable, Hashable {
    private let address: IPAddress
    /// How many bits count, of the 128.
    private let length: Int

    /// The range that `text` spells; `nil` if it spells none.
    init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(parts[0]) else { return nil }
        self.address = address
        let full = address.isIPv4 ? 32 : 128
        guard parts.count == 2 else {
            length = 128
            return
        }
        guard parts[1].allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(String(parts[1]) ?? ""),
            (0...full).contains(length)
        else { return nil }
        self.length = length + 128 - full
    }

    /// Whether it contains all IPv4 addresses, as a range of all IPv6 addresses does too.
    var isEverything: Bool { length <= 96 && IPAddress("0.0.0.0".utf8).map(contains) ?? false }

    func contains(_ other: IPAddress) -> Bool { other.shares(length, with: address) }
}
