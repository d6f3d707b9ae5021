#if Redis
import NIOSSL
import Sessions

/// How connections are encrypted.
public struct RedisTLS: Sendable, Hashable {
    /// How far the server's certificate is checked.
    public enum Verification: Sendable, Hashable {
        /// It is signed by an authority that is trusted, and it is this server's. The default.
        case full
        /// It is signed by an authority that is trusted; whose it is is not looked at. Only where that authority signs for
        /// these servers alone.
        case withoutHostname
    }

    /// How far the server's certificate is checked; by default ``Verification/full``.
    public var verification = Verification.full

    /// The path of a PEM file with the authorities that are trusted; by default `nil`, the system's.
    public var trustRootsPath: String?

    /// The paths of PEM files with the certificate and the key this client shows; by default none.
    public var certificatePath: String?
    /// See ``certificatePath``.
    public var privateKeyPath: String?

    /// The name that the server's certificate has to bear; by default the host of its address.
    public var serverName: String?

    /// Creates settings with every default.
    public init() {}

    /// Reads the files.
    func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if verification == .withoutHostname { configuration.certificateVerification = .noHostnameVerification }
        if let trustRootsPath { configuration.trustRoots = .file(trustRootsPath) }
        guard (certificatePath == nil) == (privateKeyPath == nil) else {
            throw SessionConfigurationError(
                .store,
                "A client certificate needs its key. Set both certificatePath and privateKeyPath of RedisTLS, or neither."
            )
        }
        do {
            if let certificatePath, let privateKeyPath {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificatePath)
                    .map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: privateKeyPath, format: .pem))
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw SessionConfigurationError(
                .store,
                "A file of RedisTLS cannot be read, or is no PEM file. Correct trustRootsPath, certificatePath and "
                    + "privateKeyPath, and see that this process's user may read them."
            )
        }
    }
}
#endif
