import ArgumentParser
import Dispatch

/// The way in. The main thread waits instead of serving the main queue: profilers lose hold of one that does.
@main
enum Main {
    static func main() {
        let end = DispatchSemaphore(value: 0)
        Task.detached {
            await SessionsBench.main()
            end.signal()
        }
        end.wait()
    }
}

/// Measures the rows of docs/benchmarks.md.
struct SessionsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions-bench",
        abstract: "Measures swift-sessions and prints each number as a ratio, beside its target.",
        subcommands: [Rows.self, Path.self, MemoryFootprint.self],
        defaultSubcommand: Rows.self
    )
}

/// What the rows are about.
enum Subject: String, CaseIterable, ExpressibleByArgument {
    case exchange, hummingbird, sqlite, files, redis, postgres, mongo, memory, trips
}

/// Measures, and prints the table.
struct Rows: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "rows", abstract: "Measure and print the table.")

    @Argument(help: "What to measure; everything by default.")
    var subjects: [Subject] = Subject.allCases

    @Option(help: "How many rounds each contestant is timed for.")
    var rounds = 15

    func validate() throws {
        guard rounds >= 3 else { throw ValidationError("A median wants 3 rounds or more.") }
    }

    func run() async throws {
        print(Machine.description, terminator: "\n\n")
        var isMissed = false
        for subject in subjects {
            let rows: [Row] =
                switch subject {
                case .exchange: try await ExchangeRows(rounds: rounds).measure()
                case .hummingbird: try await HummingbirdRows(rounds: rounds).measure()
                case .sqlite: try await SQLiteRows(rounds: rounds).measure()
                case .files: try await FileRows(rounds: rounds).measure()
                case .redis: try await RedisRows(rounds: rounds).measure()
                case .postgres: try await PostgresRows(rounds: rounds).measure()
                case .mongo: try await MongoRows(rounds: rounds).measure()
                case .memory: try await MemoryRows(rounds: rounds).measure()
                case .trips: try await RoundTripRows().measure()
                }
            for row in rows {
                print(row.description)
                isMissed = isMissed || !row.isMet
            }
        }
        print(isMissed ? "\nSome rows miss their target." : "\nEvery row meets its target.")
    }
}

/// Runs one path alone: to be counted by a profiler.
struct Path: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path",
        abstract: "Run one path over and over, for a profiler.",
        discussion: "For example: valgrind --tool=callgrind sessions-bench path changed --count 2000"
    )

    @Argument(help: "One of \(ExchangePaths.Name.allCases.map(\.rawValue).joined(separator: ", ")).")
    var name: ExchangePaths.Name

    @Option(help: "How often.")
    var count = 2000

    func run() async throws {
        try await ExchangePaths().run(name, count)
    }
}

extension ExchangePaths.Name: ExpressibleByArgument {}
