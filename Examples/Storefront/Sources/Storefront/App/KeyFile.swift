import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The secrets that the shop signs its sessions with.
enum KeyFile {
    /// The key ring that the options ask for: a file, the environment, or the file beside the database.
    static func keyRing(for options: ShopOptions) throws -> KeyRing {
        if let path = options.keysFile { return try KeyRing(file: path) }
        if getenv("SESSION_KEYS") != nil { return try KeyRing(environment: "SESSION_KEYS") }
        switch options.store {
        case .memory: return .ephemeral()
        case .sqlite, .postgres, .redis, .mongo, .file, .cookie:
            let path = options.database + ".keys"
            if try create(path) {
                Console.line("Made the key file \(path) (mode 0600). Who has it can forge sessions.")
            }
            return try KeyRing(file: path)
        }
    }

    /// Makes a key file that only its owner may read, if there is none.
    ///
    /// It is written under another name and then linked, which succeeds for one process only: whoever finds the file
    /// finds it whole, and two processes that start together agree on one key.
    static func create(_ path: String) throws -> Bool {
        guard access(path, F_OK) != 0 else { return false }
        let draft = "\(path).\(UInt64.random(in: .min ... .max))"
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("make", path) }
        defer { unlink(draft) }
        let bytes = Array((SessionSecret.generate().encoded() + "\n").utf8)
        let written = write(file, bytes, bytes.count)
        let isWritten = written == bytes.count && fsync(file) == 0
        guard close(file) == 0, isWritten else { throw failure("write", path) }
        if link(draft, path) == 0 { return true }
        guard errno == EEXIST else { throw failure("make", path) }
        return false
    }

    private static func failure(_ verb: String, _ path: String) -> StartFailure {
        StartFailure(description: "Cannot \(verb) the key file \(path): \(String(cString: strerror(errno))).")
    }
}
