"""Shows that the browser driver sees what a browser does, on pages made here.

A test of the shop that passes because the driver looked away would be worth nothing, so each thing the shop's test
relies on is shown here to tell two outcomes apart.
"""

from __future__ import annotations

import http.server
import itertools
import os
import socket
import tempfile
import threading
import unittest
from urllib.parse import parse_qs

import cdp

GUARD = """<script>
addEventListener("pagehide", () => { document.documentElement.hidden = true })
addEventListener("pageshow", event => { if (event.persisted) location.reload() })
</script>"""
STYLE = "<!doctype html><meta charset=utf-8><title>{title}</title>"


class Pages(http.server.BaseHTTPRequestHandler):
    """A handful of pages. `/private` is for those with the cookie, and may not be kept."""

    protocol_version = "HTTP/1.1"
    cookie = "__Host-Http-test"
    tickets = itertools.count(1)

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: str, status: int = 200, fields: tuple[tuple[str, str], ...] = ()) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def redirect(self, path: str, *fields: tuple[str, str]) -> None:
        self.answer("", 303, (("Location", path), *fields))

    def do_GET(self) -> None:
        page = getattr(self, "get_" + self.path.strip("/").replace("-", "_"), None)
        if page:
            page()
        else:
            self.answer(STYLE.format(title="Not found") + "<p>There is nothing here.", 404)

    def get_(self) -> None:
        self.answer(STYLE.format(title="Start") + "<a id=next href=/form>next</a>")

    def get_form(self) -> None:
        self.answer(
            STYLE.format(title="Form")
            + """
            <form method=post action=/enter><input type=hidden name=csrf value=right>
            <div style="height: 3000px">a long way down</div>
            <input name=word value=before> <button>Send</button></form>"""
        )

    def get_private(self) -> None:
        if self.cookie not in (self.headers["Cookie"] or ""):
            return self.redirect("/")
        no_store = ("Cache-Control", "no-store")
        self.answer(
            STYLE.format(title="Private")
            + f"<p id=ticket>{next(self.tickets)}</p>"
            + GUARD
            + "<form method=post action=/leave><button>Leave</button></form>",
            fields=(no_store,),
        )

    def get_careless(self) -> None:
        if self.cookie not in (self.headers["Cookie"] or ""):
            return self.redirect("/")
        self.answer(
            STYLE.format(title="Careless") + "<form method=post action=/leave><button>Leave</button></form>",
            fields=(("Cache-Control", "max-age=60"),),
        )

    def get_broken(self) -> None:
        self.answer(STYLE.format(title="Broken") + "<script>console.log('fine'); undefinedThing()</script>")

    def get_covered(self) -> None:
        self.answer(
            STYLE.format(title="Covered")
            + "<button id=under>a</button><button id=off disabled>b</button><button id=none hidden>c</button>"
            + "<div style='position: fixed; inset: 0; background: gray'></div>"
        )

    def get_question(self) -> None:
        self.answer(
            STYLE.format(title="Question") + "<button onclick=\"if (confirm('Sure?')) location = '/form'\">a</button>"
        )

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
        if self.path == "/leave":
            return self.redirect("/", ("Set-Cookie", f"{self.cookie}=; Path=/; Secure; HttpOnly; Max-Age=0"))
        if form.get("csrf") != ["right"]:
            return self.answer(STYLE.format(title="Refused") + "<p>No.", 403)
        word = form["word"][0]
        self.redirect("/private", ("Set-Cookie", f"{self.cookie}={word}; Path=/; Secure; HttpOnly; SameSite=Lax"))


class DriverTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        cls.server.daemon_threads = True
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.server.server_close)
        cls.addClassCleanup(cls.server.shutdown)
        cls.base_url = f"http://localhost:{cls.server.server_address[1]}"
        cls.browser = cdp.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        self.device = self.browser.new_device()
        self.addCleanup(self.device.close)
        self.page = self.device.new_page(self.base_url)

    def enter(self, page: cdp.Page, word: str = "hello") -> None:
        page.goto("/form")
        page.fill("[name=word]", word)
        page.submit("button")

    def test_pages_links_and_statuses(self) -> None:
        self.page.goto("/")
        self.assertEqual((self.page.title, self.page.path, self.page.status), ("Start", "/", 200))
        self.page.submit("#next")
        self.assertEqual((self.page.title, self.page.path), ("Form", "/form"))
        self.page.goto("/nowhere")
        self.assertEqual(self.page.status, 404)
        self.assertEqual(self.page.text("p"), "There is nothing here.")

    def test_forms_are_typed_into_and_redirects_followed(self) -> None:
        self.enter(self.page, "wörd")
        self.assertEqual((self.page.title, self.page.path, self.page.status), ("Private", "/private", 200))
        self.assertEqual(self.page.headers["cache-control"], "no-store")

    def test_a_form_without_its_token_is_refused(self) -> None:
        self.page.goto("/form")
        self.assertEqual(self.page.remove("[name=csrf]"), 1)
        self.page.submit("button")
        self.assertEqual((self.page.title, self.page.status), ("Refused", 403))

    def test_a_device_has_its_own_cookies(self) -> None:
        other = self.browser.new_device()
        self.addCleanup(other.close)
        self.enter(self.page)
        [cookie] = self.device.cookies()
        self.assertEqual((cookie["name"], cookie["value"]), (Pages.cookie, "hello"))
        self.assertTrue(cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Lax")
        self.assertEqual(self.page.evaluate("document.cookie"), "")
        self.assertEqual(other.cookies(), [])
        stranger = other.new_page(self.base_url)
        stranger.goto("/private")
        self.assertEqual(stranger.title, "Start")

    def test_cookies_can_be_stolen_and_lost(self) -> None:
        self.enter(self.page)
        thief = self.browser.new_device()
        self.addCleanup(thief.close)
        thief.set_cookies(self.device.cookies())
        page = thief.new_page(self.base_url)
        page.goto("/private")
        self.assertEqual(page.title, "Private")
        thief.clear_cookies()
        page.reload()
        self.assertEqual(page.title, "Start")

    def test_back_does_not_show_a_guarded_page_after_leaving(self) -> None:
        # `no-store` alone does not settle this: a browser may bring such a page back out of memory as it was, also
        # when the cookie has changed since. So a private page has to hide and load itself again.
        self.enter(self.page)
        self.page.goto("/form")
        self.page.back()
        self.page.wait_until("document.title === 'Private' && !document.documentElement.hidden")
        self.assertTrue(self.page.is_visible("#ticket"))
        self.page.submit("button")
        self.assertEqual(self.page.title, "Start")
        self.page.back()
        self.assertFalse(self.page.is_visible("#ticket"))
        self.page.wait_until("document.title === 'Start'")

    def test_back_shows_a_page_that_was_kept_by_mistake(self) -> None:
        # The same steps on a page without either: were this not seen, the test above would show nothing.
        self.enter(self.page)
        self.page.goto("/careless")
        self.page.submit("button")
        self.assertEqual(self.page.title, "Start")
        self.page.back()
        self.assertEqual(self.page.title, "Careless")

    def test_back_and_forward_among_pages_that_may_be_kept(self) -> None:
        self.page.goto("/")
        self.page.goto("/form")
        self.page.fill("[name=word]", "typed")
        self.page.back()
        self.assertEqual(self.page.title, "Start")
        self.page.forward()
        self.assertEqual(self.page.title, "Form")
        with self.assertRaises(cdp.BrowserError):
            self.page.forward()

    def test_errors_of_a_page_are_noticed(self) -> None:
        self.page.goto("/form")
        self.assertEqual(self.page.problems, [])
        self.page.goto("/broken")
        self.assertEqual(len(self.page.problems), 1)
        self.assertIn("undefinedThing", self.page.problems[0])

    def test_only_what_a_person_could_click_is_clicked(self) -> None:
        self.page.goto("/covered")
        for selector, reason in (
            ("#under", "is covered by"),
            ("#off", "is disabled"),
            ("#none", "is not visible"),
            ("#absent", "is not on"),
        ):
            with self.assertRaisesRegex(cdp.BrowserError, f"{selector} {reason}"):
                self.page.click(selector)

    def test_questions_are_answered(self) -> None:
        self.page.goto("/question")
        self.page.submit("button")
        self.assertEqual((self.page.dialogs, self.page.title), (["Sure?"], "Form"))

    def test_an_address_that_nobody_answers_fails(self) -> None:
        with socket.socket() as taken:
            # Nobody listens on it, and nobody else can meanwhile.
            taken.bind(("127.0.0.1", 0))
            with self.assertRaisesRegex(cdp.BrowserError, "ERR_CONNECTION_REFUSED"):
                self.page.goto(f"http://localhost:{taken.getsockname()[1]}/")
        with self.assertRaisesRegex(cdp.BrowserError, "ERR_NAME_NOT_RESOLVED"):
            self.page.goto("http://example.com/")

    def test_a_page_can_be_looked_at(self) -> None:
        self.page.goto("/form")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "form.png")
            self.page.resize(400, 300)
            self.page.screenshot(path)
            with open(path, "rb") as file:
                head = file.read(24)
        self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
        size = (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
        self.assertEqual(size, (400, 300))


if __name__ == "__main__":
    unittest.main()
