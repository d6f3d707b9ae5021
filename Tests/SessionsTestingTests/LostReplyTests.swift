import Sessions
import SessionsTesting
import Testing

@Suite("A change whose reply was lost")
struct LostReplyTests {
    @Test("and whose session was ended meanwhile is unknown, not refused: somebody may have seen it (I1)")
    func ended() async throws {
        let faults = StoreFaults()
        let store = FaultySessionStore(try MemorySessionStore(), faults: faults)
        let keys = try KeyRing([SessionSecret.generate()])
        // Two managers, as one lets a commit of a session at a time to the store.
        let (sessions, others) = (
            try SessionManager(store: store, keys: keys), try SessionManager(store: store, keys: keys)
        )
        let browser = SessionBrowser()
        try await browser.visit(sessions) { $0.set(.word, to: "first") }
        let exchange = sessions.open(browser.request())
        let session = try await exchange.session
        session.set(.word, to: "second")
        let tab = browser.copy()
        faults.after(.replace) {
            let seen = try await tab.visit(others) { session in
                let word = session[.word]
                session.destroy()
                return word
            }
            #expect(seen == "second")
            throw SessionStoreError(.unavailable, "injected: the reply is lost")
        }
        let error = await #expect(throws: SessionError.self) { _ = try await exchange.commit() }
        #expect(error?.code == .outcomeUnknown)
    }
}

extension SessionKey<String> {
    fileprivate static var word: Self { Self("word", default: "") }
}
