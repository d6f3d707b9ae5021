#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension KeyRing {
    /// The ring with the secrets in an environment variable, of which the first signs and seals.
    ///
    /// They are written as ``SessionSecret/init(encoded:)`` reads them, and separated by commas or line ends.
    ///
    /// - Throws: ``SessionConfigurationError`` with the code `missingSecret` if the variable is not set or empty, and
    ///   with the codes of ``SessionSecret/init(encoded:)`` and ``init(_:)``. The message names the variable and the
    ///   place in it, never the text.
    public init(environment name: String) throws {
        let entries = getenv(name).map {
            Self.entries(of: Array(String(cString: $0).utf8), separators: [.comma, .lineFeed])
        }
        guard let entries, !entries.isEmpty else {
            throw SessionConfigurationError(
                .missingSecret,
                "The environment variable \(name) has no secret. Set it in the environment of this process, and "
                    + "keep it the same across restarts. \(SecretStrength.advice)"
            )
        }
        try self.init(encoded: entries, source: "the environment variable \(name)")
    }

    /// The ring with the secrets in a file, of which the first signs and seals.
    ///
    /// They are written as ``SessionSecret/init(encoded:)`` reads them, one a line. A `#` and what follows it on its
    /// line is a comment; empty lines are ignored.
    ///
    /// - Parameters:
    ///   - path: where the file is.
    ///   - access: who may have rights to it. By default its owner alone.
    /// - Throws: ``SessionConfigurationError`` with the code `missingSecret` if the file cannot be read,
    ///   `exposedSecret` if others have rights to it, `emptyKeyRing` if no line holds a secret, and with the codes of
    ///   ``SessionSecret/init(encoded:)`` and ``init(_:)``. The message names the file and the line's place among the
    ///   secrets, never the text.
    public init(file path: String, access: FileAccess = .owner) throws {
        let content = try Self.read(path, access)
        let lines = content.split(separator: .lineFeed).map { $0.prefix { $0 != UInt8(ascii: "#") } }
        let entries = lines.flatMap { Self.entries(of: Array($0), separators: []) }
        try self.init(encoded: entries, source: "the file \(path)")
    }

    private init(encoded entries: [ArraySlice<UInt8>], source: String) throws {
        guard !entries.isEmpty else {
            throw SessionConfigurationError(
                .emptyKeyRing,
                "There is no secret in \(source). Write one a line. \(SecretStrength.advice)"
            )
        }
        do {
            let secrets = try entries.enumerated()
                .map { index, entry in
                    do { return try SessionSecret(encoded: entry) } catch let error as SessionConfigurationError {
                        throw SessionConfigurationError(error.code, "Secret \(index + 1): \(error.message)")
                    }
                }
            try self.init(secrets)
        } catch let error as SessionConfigurationError {
            throw SessionConfigurationError(error.code, "In \(source): \(error.message)")
        }
    }

    /// The pieces between separators that are not blank.
    private static func entries(of text: [UInt8], separators: [UInt8]) -> [ArraySlice<UInt8>] {
        text.split { separators.contains($0) }.map { $0.trimmingASCIIWhiteSpace() }.filter { !$0.isEmpty }
    }

    /// The most that a file of secrets can sensibly be; more is another file.
    private static let greatestFileSize = 65_536

    private static func read(_ path: String, _ access: FileAccess) throws -> [UInt8] {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would hang the start-up.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
        defer { close(descriptor) }

        // Asked of the open file and not of the path, which may name another file by now.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path, String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path, "it is not a file") }
        guard status.st_mode & access.refusedRights == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw SessionConfigurationError(
                .exposedSecret,
                "The file of secrets \(path) is open to \(access.strangers): its mode is 0\(mode). \(access.advice) "
                    + "Replace the secrets if somebody may have read them."
            )
        }

        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Self.read(descriptor, &buffer)
            guard count >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
            guard count > 0 else { return content }
            content += buffer[..<count]
            guard content.count <= greatestFileSize else { throw unreadable(path, "it is too large to hold secrets") }
        }
    }

    private static func read(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
        #if canImport(Darwin)
        Darwin.read(descriptor, &buffer, buffer.count)
        #elseif canImport(Glibc)
        Glibc.read(descriptor, &buffer, buffer.count)
        #elseif canImport(Musl)
        Musl.read(descriptor, &buffer, buffer.count)
        #endif
    }

    private static func unreadable(_ path: String, _ reason: String) -> SessionConfigurationError {
        SessionConfigurationError(
            .missingSecret,
            "The file of secrets \(path) cannot be read: \(reason). Make it with "
                + "`(umask 077; openssl rand -base64 32 > \(path))`."
        )
    }
}

extension UInt8 {
    fileprivate static let comma = UInt8(ascii: ",")
    fileprivate static let lineFeed = UInt8(ascii: "\n")
}
