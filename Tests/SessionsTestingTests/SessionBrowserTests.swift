import HTTPTypes
import Sessions
import SessionsTesting
import Testing

/// The cookie jar of the tests' client.
@Suite("SessionBrowser")
struct SessionBrowserTests {
    private static func browser(_ setCookie: String..., at clock: some SessionClock) -> SessionBrowser {
        let browser = SessionBrowser(clock: clock)
        var response = HTTPResponse(status: .ok)
        for text in setCookie { response.headerFields.append(HTTPField(name: .setCookie, value: text)) }
        browser.receive(response)
        return browser
    }

    @Test(
        "a date in the past takes a cookie away, and one to come keeps it until then (RFC 6265 section 5.1.1)",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", nil), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("tue, 1 march 2000 0:0:0", 951_868_800), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] as [(String, Int64?)]
    )
    func expires(_ text: String, _ seconds: Int64?) async throws {
        let clock = ManualSessionClock(Timestamp(microseconds: 1_000_000))
        let browser = Self.browser("a=1; Path=/; Expires=\(text)", at: clock)
        guard let seconds else {
            #expect(browser.cookies.isEmpty)
            return
        }
        clock.advance(by: .seconds(seconds - 2))
        #expect(browser.request().headerFields[.cookie] == "a=1")
        clock.advance(by: .seconds(1))
        #expect(browser.request().headerFields[.cookie] == nil)
    }

    @Test("Max-Age counts where there is a date too, and what is no date leaves a cookie of the browser's session")
    func both() async throws {
        let clock = ManualSessionClock(Timestamp(microseconds: 1_000_000))
        let past = "Thu, 01 Jan 1970 00:00:00 GMT"
        #expect(Self.browser("a=1; Max-Age=5; Expires=\(past)", at: clock).cookies == ["a": "1"])
        #expect(Self.browser("a=1; Expires=\(past); Max-Age=5", at: clock).cookies == ["a": "1"])
        #expect(Self.browser("a=1; Expires=Fri, 31 Dec 9999 23:59:59 GMT; Max-Age=0", at: clock).cookies.isEmpty)
        for text in ["", "never", "Thu, 32 Jan 1970 00:00:00 GMT", "01 Jan 1970", "Thu, 01 Jan 1970 24:00:00 GMT"] {
            #expect(Self.browser("a=1; Expires=\(text)", at: clock).cookies == ["a": "1"])
        }
    }
}
