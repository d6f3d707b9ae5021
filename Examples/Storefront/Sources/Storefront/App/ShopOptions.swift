import ArgumentParser
import Logging

/// What the command line decides.
struct ShopOptions: ParsableArguments {
    /// Where the sessions are kept.
    enum Store: String, ExpressibleByArgument, CaseIterable {
        case sqlite, memory, postgres, redis, mongo, file, cookie
    }

    @Option(
        help: ArgumentHelp(
            """
            Where sessions are kept: sqlite, memory, postgres (DATABASE_URL says where), redis (REDIS_URL), \
            mongo (MONGODB_URL), file, or cookie: nowhere but in their cookies.
            """,
            valueName: "store"
        )
    )
    var store = Store.sqlite

    @Option(help: ArgumentHelp("The database file of --store sqlite.", valueName: "path"))
    var database = ".scratch/storefront.sqlite"

    @Option(help: ArgumentHelp("The directory of --store file.", valueName: "path"))
    var directory = ".scratch/storefront-sessions"

    @Option(help: ArgumentHelp("The port to listen on; 0 takes a free one.", valueName: "port"))
    var port = 8080

    @Option(help: ArgumentHelp("The address to listen on.", valueName: "host"))
    var host = "127.0.0.1"

    @Option(
        name: .customLong("origin"),
        help: ArgumentHelp(
            "An origin that the shop is reached at beside localhost, such as https://shop.example behind a TLS proxy.",
            valueName: "origin"
        )
    )
    var origins: [String] = []

    @Option(
        name: .customLong("api-origin"),
        help: ArgumentHelp(
            "Another origin, whose pages may use the API with the visitor's session, such as https://app.shop.example.",
            valueName: "origin"
        )
    )
    var apiOrigins: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Use the sessions of a Node service on express-session and connect-redis, with --store redis: beside it, or \
            moving them to the shop's own format once Node has stopped. EXPRESS_SECRETS has Node's secrets.
            """,
            valueName: "phase"
        )
    )
    var express: ExpressPhase?

    @Option(
        help: ArgumentHelp(
            "A file of secrets, one a line, the signing one first. Default: the variable SESSION_KEYS; without it, a file beside the database, made on the first start.",
            valueName: "path"
        )
    )
    var keysFile: String?

    @Flag(help: "Print one line a request: what was loaded, committed and sent, and why.")
    var explain = false

    @Flag(help: "Send the session cookie without Secure, for clients that do not take localhost for safe.")
    var plainHTTP = false

    @Option(
        help: ArgumentHelp(
            "The least urgent level that is logged to standard error; warning, if not said.",
            valueName: "level"
        ),
        transform: level
    )
    var logLevel = Logger.Level.warning

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port is from 0 to 65535.") }
        guard express == nil || store == .redis else { throw ValidationError("--express needs --store redis.") }
    }
}

@Sendable private func level(_ text: String) throws -> Logger.Level {
    guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError("A level is \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return level
}
