"""The shop's API and the pages of other origins: CORS with credentials, in a real browser and field by field.

STOREFRONT is the shop's binary. Its pages are at one port of localhost, those of the others at two more: other origins,
but the same site, so that the browser sends the session along.
"""

from __future__ import annotations

import http.client
import http.server
import json
import os
import threading
import unittest

from cdp import Browser, Page
from shop import TIMEOUT, Shop

PASSWORD = "engine-no-1"


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """An empty page of another origin."""

    def do_GET(self) -> None:
        body = b"<!doctype html><html lang=en><title>Elsewhere</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class CrossOriginTest(unittest.TestCase):
    shop: Shop
    trusted: str
    other: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.trusted, cls.other = cls.serve(), cls.serve()
        cls.shop = Shop(os.environ["STOREFRONT"], ("--store", "memory", "--api-origin", cls.trusted))
        cls.addClassCleanup(cls.shop.close)
        cls.shop.start()

    @classmethod
    def serve(cls) -> str:
        """Serves the empty page, and returns its origin."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://localhost:{server.server_address[1]}"

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, dict[str, str]]:
        """The status of an answer and its fields, names in lower case."""
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=TIMEOUT)
        self.addCleanup(connection.close)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        response.read()
        found: dict[str, str] = {}
        for name, value in response.getheaders():
            found[name.lower()] = ", ".join(filter(None, [found.get(name.lower()), value]))
        return response.status, found

    def members(self, field: str) -> list[str]:
        return [member.strip() for member in field.split(",")]

    def fetch(self, page: Page, method: str, path: str, body: object = None) -> object:
        """What a script on `page` gets from the API, with the session: the status and the body, or `refused`."""
        options = {"method": method, "credentials": "include"}
        if body is not None:
            options |= {"body": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        return page.evaluate(
            f"fetch({json.dumps(self.shop.base_url + path)}, {json.dumps(options)})"
            ".then(async response => [response.status, await response.json()]).catch(() => 'refused')"
        )

    def test_a_page_of_a_trusted_origin_uses_the_api_with_the_session(self) -> None:
        with Browser() as browser:
            device = browser.new_device()
            page = device.new_page(self.trusted)
            page.goto("/")
            login = {"username": "ada", "password": PASSWORD}
            # Its type of body makes the browser ask first: preflights are answered too.
            self.assertEqual(self.fetch(page, "POST", "/api/login", login), [200, {"owner": "ada"}])
            self.assertEqual(self.fetch(page, "POST", "/api/counter"), [200, {"counter": 1}])
            self.assertEqual(self.fetch(page, "PUT", "/api/values/colour", {"value": "green"})[0], 200)
            status, session = self.fetch(page, "GET", "/api/session")
            self.assertEqual((status, session["owner"], session["counter"]), (200, "ada", 1))
            # What is wrong it may read as well.
            self.assertEqual(self.fetch(page, "DELETE", "/api/sessions/nobody")[0], 404)

            # Another origin's page, in the same browser: it reads nothing, and changes nothing.
            foreign = device.new_page(self.other)
            foreign.goto("/")
            self.assertEqual(self.fetch(foreign, "GET", "/api/session"), "refused")
            self.assertEqual(self.fetch(foreign, "PUT", "/api/values/colour", {"value": "red"}), "refused")
            # A request that no preflight comes before reaches the shop, which refuses it.
            self.assertEqual(self.fetch(foreign, "POST", "/api/counter"), "refused")
            self.assertEqual(self.fetch(foreign, "POST", "/api/logout"), "refused")
            session = self.fetch(page, "GET", "/api/session")[1]
            self.assertEqual((session["owner"], session["counter"], session["values"]), ("ada", 1, {"colour": "green"}))

    def test_the_answer_names_the_one_origin_and_never_all(self) -> None:
        for method, path in (("GET", "/api/session"), ("POST", "/api/counter"), ("GET", "/api/sessions")):
            status, fields = self.ask(method, path, Origin=self.trusted)
            self.assertEqual(status, 401 if path == "/api/sessions" else 200)
            self.assertEqual(fields["access-control-allow-origin"], self.trusted)
            self.assertEqual(fields["access-control-allow-credentials"], "true")
            self.assertIn("Origin", self.members(fields["vary"]))

    def test_a_preflight_is_answered_for_trusted_origins_alone(self) -> None:
        asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}
        status, fields = self.ask("OPTIONS", "/api/values/colour", Origin=self.trusted, **asked)
        self.assertEqual(status, 204)
        self.assertEqual(fields["access-control-allow-origin"], self.trusted)
        self.assertEqual(fields["access-control-allow-credentials"], "true")
        self.assertIn("PUT", self.members(fields["access-control-allow-methods"]))
        self.assertIn("content-type", self.members(fields["access-control-allow-headers"].lower()))
        self.assertIn("Origin", self.members(fields["vary"]))
        self.assertNotIn("set-cookie", fields)
        for origin in self.strangers():
            self.assertRefused("OPTIONS", "/api/values/colour", Origin=origin, **asked)

    def test_an_untrusted_origin_is_refused(self) -> None:
        for origin in self.strangers():
            self.assertRefused("GET", "/api/session", Origin=origin)
            status = self.assertRefused("POST", "/api/counter", Origin=origin)
            self.assertEqual(status, 403, origin)
            self.assertEqual(self.assertRefused("POST", "/api/counter", Origin=origin, Sec_Fetch_Site="same-site"), 403)
        # The API's clients are not the shop: its forms are not for their pages.
        self.assertEqual(self.assertRefused("POST", "/cart/add", Origin=self.trusted), 403)
        self.assertRefused("GET", "/", Origin=self.trusted)

    def strangers(self) -> list[str]:
        return [self.other, "null", self.trusted + "0", self.trusted + ".example", self.trusted.upper(), "*"]

    def assertRefused(self, method: str, path: str, **fields: str) -> int:
        """No answer that a page of another origin could read; whether its request was done, the status says."""
        status, answer = self.ask(method, path, **fields)
        self.assertEqual([name for name in answer if name.startswith("access-control-")], [], fields)
        if path.startswith("/api/"):
            self.assertIn("Origin", self.members(answer["vary"]))
        return status


if __name__ == "__main__":
    unittest.main()
