#if Mongo
import Foundation
import Sessions
import TestServers
import Testing

@testable import SessionsMongo

extension MongoStoreTests {
    @Suite("Connecting")
    struct ConnectingTests {
        func read(
            _ text: String,
            _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
        ) throws -> MongoURI {
            var configuration = MongoSessionStore.Configuration()
            configure(&configuration)
            try configuration.validate()
            return try MongoURI(text, configuration: configuration)
        }

        func refusal(
            _ text: String,
            _ configure: (inout MongoSessionStore.Configuration) -> Void = { _ in }
        ) -> String? {
            #expect(throws: SessionConfigurationError.self, "\(text)") { try read(text, configure) }.map { "\($0)" }
        }

        @Test(
            "ST-10 a connection that leaves the machine proves who the server is, or is refused",
            arguments: [
                "mongodb://db.example.com/", "mongodb://10.0.0.1/", "mongodb://localhost,db.example.com/?replicaSet=a",
                "mongodb://db.example.com/?tls=false", "mongodb://db.example.com/?tls=true&tlsInsecure=true",
                "mongodb://db.example.com/?tls=true&tlsAllowInvalidCertificates=true",
                "mongodb://db.example.com/?tls=true&tlsAllowInvalidHostnames=true", "mongodb://[fe80::1]/",
                "mongodb://127.0.0.1.example.com/",
            ]
        )
        func unverified(_ text: String) throws {
            #expect(refusal(text)?.contains("tls=true") == true)
            _ = try read(text) { $0.serverVerification = .trustedNetwork }
        }

        @Test(
            "what stays on the machine needs no TLS, and what leaves it may use it",
            arguments: [
                "mongodb://localhost/", "mongodb://127.0.0.1:27018/", "mongodb://[::1]/",
                "mongodb://%2Ftmp%2Fmongodb.sock/",
                "mongodb://db.example.com/?tls=true",
                "mongodb://a.example.com,b.example.com/shop?replicaSet=r&ssl=true",
            ]
        )
        func verified(_ text: String) throws {
            _ = try read(text)
        }

        @Test(
            "a weaker write concern in the connection string is refused, unless the setting says so by name",
            arguments: [
                ("w=0", nil), ("w=1", .primary), ("w=2", nil), ("w=tag", nil), ("journal=false", .unflushed),
                ("w=majority&journal=false", nil), ("w=1&journal=false", .unflushed),
            ] as [(String, MongoSessionStore.Configuration.Confirmation?)]
        )
        func writeConcern(_ option: String, _ allowed: MongoSessionStore.Configuration.Confirmation?) throws {
            let text = "mongodb://localhost/?\(option)"
            for confirmation: MongoSessionStore.Configuration.Confirmation in [.majority, .primary, .unflushed] {
                if confirmation == allowed {
                    _ = try read(text) { $0.confirmation = confirmation }
                } else if !(option == "w=1" && confirmation == .unflushed) {
                    #expect(refusal(text) { $0.confirmation = confirmation }?.contains("confirmation") == true)
                }
            }
            _ = try read("mongodb://localhost/?w=majority&journal=true")
        }

        @Test(
            "what would read from a secondary is refused",
            arguments: [
                "readPreference=secondary", "readPreference=primaryPreferred", "readPreference=nearest",
                "readConcernLevel=local", "readConcernLevel=majority", "directConnection=true",
            ]
        )
        func reads(_ option: String) throws {
            _ = refusal("mongodb://localhost/?\(option)")
            _ = try read(
                "mongodb://localhost/?readPreference=primary&readConcernLevel=linearizable&directConnection=false"
            )
            _ = try read("mongodb://localhost/?readConcernLevel=local") { $0.reads = .primary }
        }

        @Test("I9 a connection string that is none is not quoted")
        func malformed() throws {
            for text in ["mongodb://ada:se:cr@et@host/", "secret", "mongodb://ada:secret@host:port/", "mongodb://"] {
                let message = refusal(text)
                #expect(message?.contains("%40") == true)
                #expect(message?.contains("ecret") == false)
                #expect(message?.contains("se:cr") == false)
            }
        }

        @Test("a configuration that makes no sense is refused")
        func configuration() throws {
            let wrong: [(inout MongoSessionStore.Configuration) -> Void] = [
                { $0.collection = "" }, { $0.collection = "system.users" }, { $0.collection = "a$b" },
                { $0.collection = "1a" }, { $0.database = "a/b" }, { $0.database = String(repeating: "a", count: 41) },
                { $0.connectionLimit = 0 }, { $0.connectionLimit = 201 }, { $0.queueLimit = 0 },
                { $0.connectDeadline = .milliseconds(999) }, { $0.deadline = .milliseconds(9) },
                { $0.deadline = .seconds(86_401) }, { $0.collectAfter = .zero },
                { $0.collectAfter = .milliseconds(1500) },
            ]
            for change in wrong {
                var configuration = MongoSessionStore.Configuration()
                change(&configuration)
                #expect(throws: SessionConfigurationError.self) { try configuration.validate() }
            }
            try MongoSessionStore.Configuration().validate()
        }

        @Test("the environment variable is read, and a missing one is named")
        func environment() async throws {
            let error = try await configurationError { try await MongoSessionStore(environment: "NO_SUCH_VARIABLE") }
            #expect("\(try #require(error))".contains("NO_SUCH_VARIABLE"))
        }

        @Test("with no server there, opening is unavailable in bounded time")
        func nobody() async throws {
            let port = try ServerEnvironment.freePort()
            let error = try await storeError {
                try await MongoSessionStore("mongodb://127.0.0.1:\(port)/") { $0.deadline = .milliseconds(500) }
            }
            #expect(error?.code == .unavailable || error?.code == .timedOut)
        }

        @Test("a member's address leads to its replica set, and so to the primary")
        func discovery() async throws {
            let set = try await SharedServers.replicaSet
            let primary = try await set.primary()
            let secondary = try #require(set.members.first { $0.port != primary.port })
            let scratch = try await Scratch.replicaSet()
            let store = try await scratch.store(at: secondary.url)
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await store.load(.numbered(1)) != nil)
        }

        /// What a store that cannot be opened says for a reason that has this code.
        ///
        /// An attempt may miss one of its deadlines on a busy machine before it knows the reason; then there is another one.
        func openingError(
            _ url: String,
            _ configuration: MongoSessionStore.Configuration,
            _ code: SessionStoreError.Code
        ) async throws -> SessionStoreError? {
            var error: SessionStoreError?
            try await waitUntil("opening is \(code)") {
                error = try await storeError { try await MongoSessionStore(url, configuration: configuration) }
                return error?.code == code
            }
            return error
        }

        @Test("ST-10 members that a replica set names are judged as those in the connection string are")
        func members() async throws {
            // It leads to this machine, and does not look like it.
            let set = try await MongoReplicaSet(members: 1, host: { "127.1:\($0)" })
            let url = "mongodb://127.0.0.1:\(set.members[0].port)/test?replicaSet=rs0"
            let error = try await configurationError { try await Scratch(url).store() }
            #expect(error?.message.contains("tls=true") == true)
            let store = try await Scratch(url) { $0.serverVerification = .trustedNetwork }.store()
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            await set.stop()
        }

        @Test("TLS, user and password: the right ones get in, others get a named error that quotes nothing")
        func secured() async throws {
            let server = try await MongoServer(
                arguments: ["--tlsMode", "requireTLS", "--tlsCertificateKeyFile", "@/server.pem"],
                files: ["server.pem": try await Certificate.make()]
            )
            let open = "tls=true&tlsCAFile=\(server.file("server.pem"))"
            try await server.command(
                #"{"createUser":"ada","pwd":"p@ss word","roles":[{"role":"readWrite","db":"shop"}]}"#,
                url: "mongodb://localhost:\(server.port)/?\(open)"
            )
            try await server.stop()
            try await server.start(["--auth"])
            func url(_ user: String, _ options: String) -> String {
                "mongodb://\(user)@localhost:\(server.port)/shop?authSource=admin&\(options)"
            }
            var configuration = MongoSessionStore.Configuration()
            configuration.deadline = .seconds(60)
            let store = try await MongoSessionStore(url("ada:p%40ss%20word", open), configuration: configuration)
            #expect(try await store.insert(.sample(), at: .numbered(1)))
            #expect(try await store.load(.numbered(1)) != nil)
            try await store.close()

            configuration.deadline = .seconds(2)
            let wrong = try await openingError(url("ada:guess", open), configuration, .notPermitted)
            #expect(wrong?.description.contains("guess") == false)
            let nobody = try await openingError(
                "mongodb://localhost:\(server.port)/shop?\(open)",
                configuration,
                .notPermitted
            )
            var other = configuration
            other.database = "other"
            let outside = try await openingError(url("ada:p%40ss%20word", open), other, .notPermitted)
            // Its certificate is signed by nobody this machine knows.
            let unknown = try await openingError(url("ada:p%40ss%20word", "tls=true"), configuration, .unavailable)
            // It is for localhost.
            let misnamed = try await openingError(
                url("ada:p%40ss%20word", open).replacingOccurrences(of: "localhost", with: "127.0.0.1"),
                configuration,
                .unavailable
            )
            for error in [wrong, nobody, outside, unknown, misnamed] {
                #expect(error?.description.contains("p@ss") == false)
                #expect(error?.description.contains("p%40ss") == false)
            }
            try await server.stop()
        }
    }
}

extension MongoSessionStore {
    /// For a test that wants a setting.
    convenience init(_ url: String, _ configure: (inout Configuration) -> Void) async throws {
        var configuration = Configuration()
        configure(&configuration)
        try await self.init(url, configuration: configuration)
    }
}

/// A key and a certificate for `localhost`, which signs itself.
enum Certificate {
    static func make() async throws -> String {
        let directory = try ServerDirectory("certificate")
        let openssl = try ServerProcess(
            ServerEnvironment.program("openssl"),
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", directory.file("key"),
                "-out", directory.file("certificate"),
            ],
            log: directory.file("log")
        )
        guard await openssl.exit() == 0 else { throw TestServerError("openssl makes no certificate") }
        return try ["key", "certificate"].map {
            try String(contentsOfFile: directory.file($0), encoding: .utf8)
        }.joined()
    }
}
#endif
