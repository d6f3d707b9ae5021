#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Standard output.
enum Console {
    /// Prints a line at once, so that whoever reads it through a pipe need not wait for a full buffer.
    static func line(_ text: String) {
        print(text)
        fflush(nil)
    }
}
