import Foundation
import TestServers

/// An Express application in a process of Node's, which serves requests on the sessions of a store: `service.js`, beside this file.
struct NodeService: Sendable {
    /// What the service is told; the names are the script's.
    private struct Settings: Encodable {
        var store: String
        var url: String
        var secrets: [String]
        var maxAge: Int?
        var requests: [Request]
    }

    /// One request: its Cookie field, what it was when it came to the proxy, by default `https`, and what its handler does.
    struct Request: Encodable, Sendable {
        var cookie: String?
        var scheme: String?
        var `do`: [[JSON]]
    }

    /// Text, a number or an object of texts of what a handler does.
    enum JSON: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        case text(String)
        case number(Int)
        case object([String: String])

        init(stringLiteral value: String) { self = .text(value) }
        init(integerLiteral value: Int) { self = .number(value) }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            case .object(let object): try container.encode(object)
            }
        }
    }

    /// What Node answers.
    struct Answer: Sendable {
        let id: String
        let setCookie: String?
        /// The names of the session's members, and each value as JSON; `nil` if there is no session.
        let session: [String: String]?

        init(_ line: String) throws {
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let id = object["id"] as? String
            else { throw TestServerError("Node does not answer, but says: \(line)") }
            self.id = id
            setCookie = object["setCookie"] as? String
            session = try (object["session"] as? [String: Any])?.mapValues { value in
                let options: JSONSerialization.WritingOptions = [
                    .fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes,
                ]
                let data = try JSONSerialization.data(withJSONObject: value, options: options)
                return String(decoding: data, as: UTF8.self)
            }
        }
    }

    let store: String
    let url: String
    var secrets = ["keyboard cat"]
    /// In milliseconds.
    var maxAge: Int?

    /// Serves one request after the other, by a process of their own.
    func serve(_ requests: [Request]) async throws -> [Answer] {
        let settings = Settings(store: store, url: url, secrets: secrets, maxAge: maxAge, requests: requests)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("service.js")
        let root = script.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let modules = root.appendingPathComponent(".build/node/modules").path
        guard FileManager.default.fileExists(atPath: modules) else {
            throw TestServerError("Node's packages are missing. Scripts/test.sh fetches them")
        }
        let node = try HelperProcess(
            ServerEnvironment.program("node"),
            [script.path, modules, String(decoding: try JSONEncoder().encode(settings), as: UTF8.self)]
        )
        let lines = try await node.lines()
        guard try await node.exitCode() == 0, lines.count == requests.count else {
            throw TestServerError("Node has failed after \(lines.count) of \(requests.count) requests")
        }
        return try lines.map { try Answer(String($0)) }
    }

    /// Serves one request.
    func serve(_ cookie: String?, _ verbs: [JSON]...) async throws -> Answer {
        let answers = try await serve([Request(cookie: cookie, do: verbs)])
        guard let answer = answers.first else { throw TestServerError("Node does not answer") }
        return answer
    }
}
