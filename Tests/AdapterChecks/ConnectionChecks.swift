import HTTPTypes
import Sessions
import SessionsTesting

extension AdapterCheck {
    /// Many clients, and many requests of one.
    static let connections = [
        AdapterCheck("I1: fifty requests at once, all loaded before the first is written, lose nothing") {
            rig,
            visitor in
            try await visitor.post("/visits")
            let gate = rig.faults.hold(.load, next: 50, .after)
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 {
                    let tab = visitor.copy()
                    group.addTask { try await tab.post("/visits").text }
                }
                try await gate.waitForArrival(50)
                gate.open()
                for try await text in group { try expect((2...51).contains(Int(text) ?? 0), text) }
            }
            try expectEqual(try await visitor.get("/visits").text, "51")
        },
        AdapterCheck("LC-18: each request of a connection has an exchange of its own: three clients share it") {
            rig,
            visitor in
            let connection = try await WireConnection(port: visitor.port)
            let clients = (0..<3).map { _ in WireVisitor(visitor.port) }
            for round in 1...5 {
                for client in clients {
                    let answer = try await client.send(.post, "/visits", over: connection)
                    try expectEqual(answer.text, "\(round)")
                    try expectEqual(answer.setCookies.count, round == 1 ? 1 : 0)
                }
                try expectEqual(try await WireVisitor(visitor.port).send(.get, "/visits", over: connection).text, "new")
            }
            try expectEqual(rig.recordCount, 3)
        },
        AdapterCheck("LC-18: pipelined requests are answered in order, each with its own session") { rig, visitor in
            let clients = (0..<3).map { _ in WireVisitor(visitor.port) }
            for client in clients { try await client.post("/visits") }
            try await clients[1].post("/visits")
            let requests = clients.map { $0.request(.post, "/visits") } + [HTTPRequest.fromNobody]
            let connection = try await WireConnection(port: visitor.port)
            try await connection.send(
                (requests + requests).map { WireConnection.text(of: $0, body: $0.method == .post ? "!" : "") }.joined()
            )
            var answers: [String] = []
            for request in requests + requests { answers.append(try await connection.receive(request.method).text) }
            try expectEqual(answers, ["2!", "3!", "2!", "new", "3!", "4!", "3!", "new"])
        },
        AdapterCheck("an error answer leaves the connection usable") { rig, visitor in
            let connection = try await WireConnection(port: visitor.port)
            try expectEqual(try await visitor.send(.post, "/visits", over: connection).text, "1")
            try expectEqual(try await visitor.send(.post, "/throw/change", over: connection).status, 500)
            rig.faults.failBefore(.load)
            try expectEqual(try await visitor.send(.get, "/visits", over: connection).status, 503)
            try expectEqual(try await visitor.send(.get, "/visits", over: connection).text, "1")
        },
        AdapterCheck("a client that asks for the end of the connection gets it after its response") { rig, visitor in
            let connection = try await WireConnection(port: visitor.port)
            let answer = try await visitor.send(.post, "/visits", [.connection: "close"], over: connection)
            try expectEqual(answer.text, "1")
            try await connection.waitForEnd()
        },
        AdapterCheck("DS-05: a client that hangs up while its change or its logout is written does not undo it") {
            rig,
            visitor in
            try await visitor.post("/visits")
            for (operation, path) in [(StoreOperation.replace, "/visits"), (.delete, "/logout")] {
                let gate = rig.faults.hold(operation, next: 1)
                let connection = try await WireConnection(port: visitor.port)
                try await connection.send(visitor.request(.post, path))
                try await gate.waitForArrival()
                connection.hangUp()
                gate.open()
                if operation == .replace {
                    // The next commit to the session has its turn after that one. Its handler may have read what was
                    // there before it.
                    try await visitor.post("/visits")
                    try expectEqual(try await visitor.get("/visits").text, "3")
                } else {
                    await rig.told.wait(for: "destroyed")
                }
            }
            try expectEqual(rig.recordCount, 0)
            try expectEqual(try await visitor.get("/visits").text, "new")
        },
        AdapterCheck("a client that hangs up in the middle of its request changes nothing") { rig, visitor in
            try await visitor.post("/visits")
            let connection = try await WireConnection(port: visitor.port)
            var text = WireConnection.text(of: visitor.request(.post, "/visits"), body: "whole")
            text.removeLast(3)
            try await connection.send(text)
            connection.hangUp()
            try expectEqual(try await visitor.get("/visits").text, "1")
            try expectEqual(try await visitor.post("/visits").text, "2")
        },
    ]
}

extension HTTPRequest {
    fileprivate static let fromNobody = HTTPRequest(
        method: .get,
        scheme: "https",
        authority: "app.example",
        path: "/visits"
    )
}
