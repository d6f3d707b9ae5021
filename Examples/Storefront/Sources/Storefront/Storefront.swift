import ArgumentParser
import Logging
import NIOCore
import Sessions

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// The command line: runs the shop, or makes a key for it.
@main
struct Storefront: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storefront",
        abstract: "A small shop that shows what swift-sessions does.",
        subcommands: [GenerateKey.self]
    )

    @OptionGroup var options: ShopOptions

    func run() async throws {
        var logger = Logger(label: "storefront")
        logger.logLevel = options.logLevel
        do {
            try await Shop(options, logger: logger).run()
        } catch let error as SessionConfigurationError {
            // It says what to change; the code in front of the message helps nobody at a terminal.
            throw StartFailure(description: error.message)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw StartFailure(
                description: "Port \(options.port) is taken. Choose another with --port, or 0 for a free one."
            )
        }
    }
}

/// Why the shop does not start.
struct StartFailure: Error, CustomStringConvertible {
    var description: String
}

/// Prints a new secret, for `SESSION_KEYS` or a key file.
struct GenerateKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-key",
        abstract: "Print a new secret for SESSION_KEYS or a key file."
    )

    func run() {
        Console.line(SessionSecret.generate().encoded())
    }
}
