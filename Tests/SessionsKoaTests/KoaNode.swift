import Foundation
import TestServers

/// A process of Node's that serves requests on Compas's table: `service.js`, beside this file.
struct KoaNode: Sendable {
    /// One request: its Cookie field, and what its handler does.
    struct Request: Encodable, Sendable {
        var cookie: String?
        var `do`: [[String]]
    }

    /// What Node answers.
    struct Answer: Sendable {
        let id: String
        let setCookie: [String]
        /// The names of the session's members, and each value as JSON; `nil` if there is no session.
        let session: [String: String]?

        init(_ line: String) throws {
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let id = object["id"] as? String, let setCookie = object["setCookie"] as? [String]
            else { throw TestServerError("Node does not answer, but says: \(line)") }
            self.id = id
            self.setCookie = setCookie
            session = try (object["session"] as? [String: Any])?.mapValues { value in
                let options: JSONSerialization.WritingOptions = [
                    .fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes,
                ]
                let data = try JSONSerialization.data(withJSONObject: value, options: options)
                return String(decoding: data, as: UTF8.self)
            }
        }
    }

    /// What the script is told; the names are the script's.
    private struct Settings: Encodable {
        var url: String
        var table: String
        var keys: [String]
        var algorithm: String
        var maxAge: Int?
        var `public`: Bool
        var inCookie: Bool
        var requests: [Request] = []
        var sign: [String]?
        var query: String?
    }

    var url = ""
    var table = "session"
    var keys = ["0123456789abcdef0123456789abcdef"]
    var algorithm = "sha256"
    /// In milliseconds; `nil` for Compas's `'session'`.
    var maxAge: Int?
    var keepsPublicCookie = false
    /// Whether there is no table, and the cookie holds the session.
    var isInCookie = false

    /// Serves one request after the other, by a process of their own.
    func serve(_ requests: [Request]) async throws -> [Answer] {
        var settings = settings
        settings.requests = requests
        return try await run(settings, count: requests.count).map { try Answer($0) }
    }

    /// Serves one request.
    func serve(_ cookie: String?, _ verbs: [String]...) async throws -> Answer {
        let answers = try await serve([Request(cookie: cookie, do: verbs)])
        guard let answer = answers.first else { throw TestServerError("Node does not answer") }
        return answer
    }

    /// What Keygrip makes of these texts.
    func sign(_ texts: [String]) async throws -> [String] {
        var settings = settings
        settings.sign = texts
        return try await run(settings, count: texts.count)
    }

    /// The first value that a statement returns, as text.
    @discardableResult
    func query(_ sql: String) async throws -> String {
        var settings = settings
        settings.query = sql
        return try await run(settings, count: 1)[0]
    }

    private var settings: Settings {
        Settings(
            url: url,
            table: table,
            keys: keys,
            algorithm: algorithm,
            maxAge: maxAge,
            public: keepsPublicCookie,
            inCookie: isInCookie
        )
    }

    private func run(_ settings: Settings, count: Int) async throws -> [String] {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("service.js")
        let root = script.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let modules = root.appendingPathComponent(".build/node/modules").path
        guard FileManager.default.fileExists(atPath: modules + "/keygrip") else {
            throw TestServerError("Node's packages are missing. Scripts/test.sh fetches them")
        }
        let node = try HelperProcess(
            ServerEnvironment.program("node"),
            [script.path, modules, String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)]
        )
        let lines = try await node.lines()
        guard try await node.exitCode() == 0, lines.count == count else {
            throw TestServerError("Node has failed after \(lines.count) of \(count) answers")
        }
        return lines.map { String($0) }
    }
}
