import CostMeasuring

/// What strace saw of one request.
struct SystemCalls {
    var calls = 0
    var syncs = 0
    var bytesWritten = 0

    /// Reads what `strace -f -y` wrote: the calls that name something in `folder`, between the marks of each kind.
    static func perKind(in log: String, folder: String) -> [SystemCalls] {
        var all = [SystemCalls](repeating: SystemCalls(), count: CostKind.allCases.count)
        var current: Int?
        for line in log.split(separator: "\n") {
            if let mark = line.firstRange(of: "/sessions-costs/") {
                let name = line[mark.upperBound...].prefix { $0 != "\"" }.split(separator: "-")
                current = name.first == "begin" ? name.last.flatMap { Int($0) } : nil
                continue
            }
            // A call that another thread's came between has two lines; the second does not say what it was.
            guard let current, line.contains(folder), !line.contains("resumed>") else { continue }
            let call = line.drop { $0.isNumber || $0 == " " }.prefix { $0 != "(" }
            guard !call.isEmpty else { continue }
            all[current].calls += 1
            switch call {
            case "fsync", "fdatasync": all[current].syncs += 1
            case "write", "pwrite64": all[current].bytesWritten += Self.size(in: line) ?? 0
            default: break
            }
        }
        return all
    }

    /// The third argument: `pwrite64(5</path>, ""..., 4096, 0) = 4096`.
    private static func size(in line: Substring) -> Int? {
        guard let text = line.firstRange(of: "\"...") ?? line.firstRange(of: "\"\"") else { return nil }
        let rest = line[text.upperBound...].drop { $0 == "," || $0 == " " }
        return Int(rest.prefix { $0.isNumber })
    }
}
