#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension KeyRing {
    /// A ring from an environment variable: secrets in their text form, separated by commas or white space, the signing
    /// one first.
    ///
    /// - Throws: ``SessionConfigurationError/Code/missingSecret`` if the variable is missing or empty;
    ///   ``SessionConfigurationError/Code/weakSecret``, ``SessionConfigurationError/Code/duplicateKey``.
    public init(environment name: String) throws(SessionConfigurationError) {
        guard let value = getenv(name), value.pointee != 0 else {
            throw SessionConfigurationError(
                .missingSecret,
                "The environment variable \(name) is not set. Create a key with `make key` and set \(name) to it."
            )
        }
        try self.init(list: Array(String(cString: value).utf8))
    }

    /// A ring from a file: a secret in its text form on each line, the signing one first; lines that begin with `#` are
    /// comments. Nobody but its owner may read the file.
    ///
    /// - Throws: ``SessionConfigurationError/Code/missingSecret`` if the file cannot be read;
    ///   ``SessionConfigurationError/Code/weakSecret`` if others may read it or a secret is weak.
    public init(file path: String) throws(SessionConfigurationError) {
        guard let file = fopen(path, "re") else {
            throw SessionConfigurationError(
                .missingSecret,
                "The key file \(path) cannot be read. Create it with `make key`, readable by the application's user only."
            )
        }
        defer { fclose(file) }
        var status = stat()
        guard fstat(fileno(file), &status) == 0, status.st_mode & 0o077 == 0 else {
            throw SessionConfigurationError(
                .weakSecret,
                "Other users may read the key file \(path). Run: chmod 600 \(path)"
            )
        }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        let lines = bytes[..<count].split(whereSeparator: { $0 == 0x0A || $0 == 0x0D })
        let secrets = lines.filter { $0.first(where: { $0 != 0x20 && $0 != 0x09 }) != UInt8(ascii: "#") }
        try self.init(list: Array(secrets.joined(separator: [0x0A])))
    }

    private init(list: [UInt8]) throws(SessionConfigurationError) {
        let separators: Set<UInt8> = [UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D]
        var secrets: [SessionSecret] = []
        for text in list.split(whereSeparator: separators.contains) {
            secrets.append(try SessionSecret(encoded: String(decoding: text, as: UTF8.self)))
        }
        try self.init(secrets)
    }
}
