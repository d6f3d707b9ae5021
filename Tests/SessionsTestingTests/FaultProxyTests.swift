import Foundation
import Synchronization
import TestServers
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite("A proxy that does what networks do", .serialized, .timeLimit(.minutes(10)))
struct FaultProxyTests {
    /// Sends back what comes, and remembers it.
    final class Echo: Sendable {
        let proxy: FaultProxy
        private let server: ServerProcess
        private let directory: ServerDirectory

        init() async throws {
            directory = try ServerDirectory("echo")
            let port = try ServerEnvironment.freePort()
            let program = """
                import socketserver, sys
                class Handler(socketserver.BaseRequestHandler):
                    def handle(self):
                        while data := self.request.recv(65536):
                            open(sys.argv[2], "ab").write(data)
                            self.request.sendall(data)
                socketserver.ThreadingTCPServer.allow_reuse_address = True
                socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
                """
            let python = try ServerEnvironment.program("python3")
            server = try ServerProcess(
                python,
                ["-c", program, "\(port)", directory.file("seen")],
                log: directory.file("log")
            )
            try await ServerEnvironment.waitForListener(at: port, of: server)
            proxy = try FaultProxy(to: port)
        }

        var seen: String {
            (try? String(contentsOfFile: directory.file("seen"), encoding: .utf8)) ?? ""
        }
    }

    /// A client that blocks, on a thread of its own.
    struct Client {
        let handle: Int32

        init(_ port: Int) throws {
            handle = try #require(ServerEnvironment.connect(to: port))
        }

        func send(_ text: String) {
            var bytes = Array(text.utf8)
            _ = write(handle, &bytes, bytes.count)
        }

        /// What comes next, at most as many bytes as are asked for; empty at the end.
        func receive(_ count: Int) async -> String {
            await withCheckedContinuation { continuation in
                Thread {
                    var (bytes, got) = ([UInt8](repeating: 0, count: count), 0)
                    while got < count {
                        let more = read(handle, &bytes[got], count - got)
                        if more <= 0 { break }
                        got += more
                    }
                    continuation.resume(returning: String(decoding: bytes.prefix(got), as: UTF8.self))
                }.start()
            }
        }

        func end() {
            shutdown(handle, Int32(SHUT_RDWR))
            _ = close(handle)
        }
    }

    @Test("it carries what it is not told to touch, and counts it")
    func carries() async throws {
        let echo = try await Echo()
        let client = try Client(echo.proxy.port)
        client.send("hello")
        #expect(await client.receive(5) == "hello")
        #expect(echo.proxy.traffic.requestBytes == 5)
        client.end()
    }

    @Test("a lost reply leaves the request done and the connection cut")
    func losesReply() async throws {
        let echo = try await Echo()
        let client = try Client(echo.proxy.port)
        echo.proxy.next(.loseReply, to: "pay")
        client.send("look")
        #expect(await client.receive(4) == "look")
        client.send("pay 5")
        #expect(await client.receive(5) == "")
        #expect(echo.seen == "lookpay 5")
        client.end()
    }

    @Test("a cut reply ends in the middle; a lost request never arrives")
    func cutsReply() async throws {
        let echo = try await Echo()
        let first = try Client(echo.proxy.port)
        echo.proxy.next(.cutReply(after: 3))
        first.send("abcdef")
        #expect(await first.receive(6) == "abc")
        let second = try Client(echo.proxy.port)
        echo.proxy.next(.loseRequest)
        second.send("never")
        #expect(await second.receive(5) == "")
        #expect(echo.seen == "abcdef")
        first.end()
        second.end()
    }

    @Test("what is held comes when it is released; what is dropped never does")
    func holds() async throws {
        let echo = try await Echo()
        let client = try Client(echo.proxy.port)
        echo.proxy.hold()
        client.send("wait")
        async let reply = client.receive(4)
        echo.proxy.release()
        #expect(await reply == "wait")
        echo.proxy.dropReplies()
        client.send("gone")
        while echo.seen != "waitgone" {
            try Task.checkCancellation()
            await Task.yield()
        }
        echo.proxy.cut()
        #expect(await client.receive(4) == "")
        client.end()
    }
}
