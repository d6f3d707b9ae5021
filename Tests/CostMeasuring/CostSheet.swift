/// The tables of docs/benchmarks.md, as Markdown.
package enum CostSheet {
    /// Every store on a server, each with a server of its own.
    package static func subjects() async throws -> [any CostSubject] {
        var subjects: [any CostSubject] = []
        #if Redis
        subjects.append(try await ServerCosts.redis())
        #endif
        #if Postgres
        subjects.append(try await ServerCosts.postgres())
        #endif
        #if Mongo
        subjects.append(try await ServerCosts.mongo())
        #endif
        return subjects
    }

    /// Round trips, what is sent and received, and what a server has to do.
    package static func servers(_ subjects: [any CostSubject]) async throws -> String {
        var lines = [
            "| request | " + subjects.map { "\($0.name): trips | sent | received | commands" }.joined(separator: " | ")
                + " |",
            "|---|" + String(repeating: "---|", count: subjects.count * 4),
        ]
        for kind in CostKind.allCases {
            var cells = [kind.rawValue]
            for subject in subjects {
                guard let cost = try await subject.cost(of: kind) else {
                    cells += ["", "", "", ""]
                    continue
                }
                cells += ["\(cost.roundTrips)", "\(cost.sentBytes)", "\(cost.receivedBytes)", summary(cost.commands)]
            }
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    /// Sealed cookies: what the client carries.
    package static func sealed() async throws -> String {
        let costs = try SealedCosts()
        var lines = ["| request | cookie received, bytes | cookie set, bytes |", "|---|---|---|"]
        for kind in CostKind.allCases {
            let cells = try await costs.answer(to: kind).map { ["\($0.receivedBytes)", "\($0.setBytes)"] }
            lines.append("| " + ([kind.rawValue] + (cells ?? ["cannot be done", ""])).joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n")
    }

    /// `GET, 2 EVALSHA`.
    static func summary(_ commands: [String]) -> String {
        var order: [String] = []
        var counts: [String: Int] = [:]
        for command in commands {
            if counts[command] == nil { order.append(command) }
            counts[command, default: 0] += 1
        }
        return order.map { counts[$0] == 1 ? $0 : "\(counts[$0] ?? 0) \($0)" }.joined(separator: ", ")
    }
}
