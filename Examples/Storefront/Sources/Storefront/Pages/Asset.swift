import Hummingbird

/// A file that the pages load. Its address changes with its content, so browsers may keep it.
struct Asset: Sendable {
    let path: String
    let response: Response

    init(_ bytes: [UInt8], _ suffix: String, _ contentType: String) {
        // FNV-1a: it tells versions apart and promises nothing.
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        path = "/assets/\(String(hash, radix: 36)).\(suffix)"
        response = Response(
            status: .ok,
            headers: [
                .contentType: contentType,
                .cacheControl: "public, max-age=31536000, immutable",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
