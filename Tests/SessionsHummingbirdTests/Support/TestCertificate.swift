#if Hummingbird
import Crypto
import Foundation
import HummingbirdHTTP2
import NIOSSL

/// A certificate for `localhost` that signs itself, made anew for each test so that no key lies in the repository.
enum TestCertificate {
    /// A server's TLS configuration with such a certificate.
    static func serverConfiguration() throws -> TLSConfiguration {
        let key = P256.Signing.PrivateKey()
        let certificate = try NIOSSLCertificate(bytes: Array(certificate(signedBy: key)), format: .der)
        let privateKey = try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)
        return .makeServerConfiguration(
            certificateChain: [.certificate(certificate)],
            privateKey: .privateKey(privateKey)
        )
    }

    /// The certificate in DER (RFC 5280 section 4.1), with nothing optional.
    private static func certificate(signedBy key: P256.Signing.PrivateKey) throws -> [UInt8] {
        let ecdsaWithSHA256 = sequence(value(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]))
        let commonName = sequence(value(0x06, [0x55, 0x04, 0x03]), value(0x0C, Array("localhost".utf8)))
        let name = sequence(value(0x31, commonName))
        let validity = sequence(value(0x17, Array("260101000000Z".utf8)), value(0x17, Array("490101000000Z".utf8)))
        let content = sequence(
            value(0xA0, value(0x02, [2])),
            value(0x02, [1]),
            ecdsaWithSHA256,
            name,
            validity,
            name,
            Array(key.publicKey.derRepresentation)
        )
        let signature = try key.signature(for: content)
        return sequence(content, ecdsaWithSHA256, value(0x03, [0] + Array(signature.derRepresentation)))
    }

    private static func sequence(_ parts: [UInt8]...) -> [UInt8] { value(0x30, Array(parts.joined())) }

    /// A tag, a length and a content of less than 65 536 bytes.
    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count
        let low = UInt8(length & 0xFF)
        switch length {
        case ..<0x80: return [tag, low] + content
        case ..<0x100: return [tag, 0x81, low] + content
        default: return [tag, 0x82, UInt8(length >> 8), low] + content
        }
    }
}
#endif
