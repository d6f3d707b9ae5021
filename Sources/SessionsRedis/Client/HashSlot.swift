#if Redis
/// Which of a cluster's slots a key is in: CRC-16 (XMODEM) of it, or of what stands in its first pair of braces.
enum HashSlot {
    static let count = 16_384

    static func slot(of key: [UInt8]) -> Int {
        var tag = key[...]
        if let open = key.firstIndex(of: UInt8(ascii: "{")),
            let close = key[(open + 1)...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        {
            tag = key[(open + 1)..<close]
        }
        var crc: UInt16 = 0
        for byte in tag { crc = crc << 8 ^ table[Int(UInt8(crc >> 8) ^ byte)] }
        return Int(crc) % count
    }

    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
}
#endif
