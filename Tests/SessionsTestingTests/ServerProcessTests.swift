import TestServers
import Testing

@Suite("The servers that tests start")
struct ServerProcessTests {
    let directory: ServerDirectory

    init() throws { directory = try ServerDirectory("process") }

    private func sleeper() throws -> ServerProcess {
        try ServerProcess("/bin/sleep", ["600"], log: directory.file("log"))
    }

    @Test("is gone once it was killed")
    func crash() async throws {
        let process = try sleeper()
        #expect(process.isRunning)
        await process.crash()
        #expect(!process.isRunning)
        #expect(await process.exit() == 128 + 9)
    }

    @Test("ends when it is asked to")
    func stop() async throws {
        let process = try sleeper()
        await process.stop()
        #expect(await process.exit() == 128 + 15)
    }

    @Test("says that it ended on its own")
    func end() async throws {
        let process = try ServerProcess("/bin/sh", ["-c", "exit 3"], log: directory.file("log"))
        #expect(await process.exit() == 3)
    }

    @Test("a program that is not there is named")
    func missing() throws {
        let error = #expect(throws: TestServerError.self) { try ServerEnvironment.program("no-such-server") }
        #expect("\(try #require(error))".contains("no-such-server"))
    }
}
