import Foundation
import TestServers

/// A process of Node's that keeps sessions as Remix does: `remix.js`, beside this file.
struct RemixNodeService: Sendable {
    /// What the service is told; the names are the script's.
    struct Settings: Encodable, Sendable {
        var storage: String
        var directory: String?
        var url: String?
        var ttl: Double?
        var secrets = ["s3cr3t"]
        fileprivate var requests: [NodeService.Request] = []

        init(storage: String, directory: String? = nil, url: String? = nil, ttl: Double? = nil) {
            self.storage = storage
            self.directory = directory
            self.url = url
            self.ttl = ttl
        }
    }

    /// What Node answers.
    struct Answer: Decodable, Sendable {
        var id: String
        /// The cookie's value; `nil` for no Set-Cookie, empty for one that is taken away.
        var cookie: String?
        var flash: [String: String]
        var session: Values?

        /// The values that the tests ask for.
        struct Values: Decodable, Sendable {
            var visits: Int?
            var user: String?
        }
    }

    var settings: Settings

    /// Serves one request, by a process of its own.
    func serve(_ cookie: String?, _ verbs: [[NodeService.JSON]] = []) async throws -> Answer {
        var settings = settings
        settings.requests = [NodeService.Request(cookie: cookie, do: verbs)]
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("remix.js")
        let root = script.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let node = try HelperProcess(
            ServerEnvironment.program("node"),
            [
                script.path, root.appendingPathComponent(".build/node/modules").path,
                String(decoding: try JSONEncoder().encode(settings), as: UTF8.self),
            ]
        )
        let lines = try await node.lines()
        guard try await node.exitCode() == 0, let line = lines.first else {
            throw TestServerError("Node has failed: Scripts/test.sh fetches its packages")
        }
        return try JSONDecoder().decode(Answer.self, from: Data(String(line).utf8))
    }
}
