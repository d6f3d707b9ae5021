"""The demo shop in a real browser: what README.md beside this file says of its pages, as a person meets it.

STOREFRONT is the shop's binary, which is then started here on a free port; or STOREFRONT_URL is a shop that runs
already. SCREENSHOTS is a folder to put a picture of every page into.
"""

from __future__ import annotations

import http.server
import os
import threading
import unittest
from urllib.parse import urlsplit

from cdp import Browser, Device, Page
from shop import Shop

CSRF = "input[name=csrf]"
PASSWORDS = {"ada": "engine-no-1", "grace": "cobol-1959", "alan": "enigma-1940"}

shop: Shop | None = None
browser: Browser
base_url: str


def setUpModule() -> None:
    global shop, browser, base_url
    base_url = os.environ.get("STOREFRONT_URL", "").rstrip("/")
    if not base_url:
        shop = Shop(os.environ["STOREFRONT"])
        unittest.addModuleCleanup(shop.close)
        shop.start()
        base_url = shop.base_url
    browser = Browser()
    unittest.addModuleCleanup(browser.close)


def tearDownModule() -> None:
    if shop is not None:
        shop.stop()


def named(name: str) -> str:
    return f"[data-test={name}]"


class StorefrontTest(unittest.TestCase):
    def setUp(self) -> None:
        self.pages: list[Page] = []
        # A page that throws, or that breaks its own content security policy, fails the test that looked at it.
        self.addCleanup(lambda: self.assertEqual([problem for page in self.pages for problem in page.problems], []))

    def new_device(self) -> Device:
        device = browser.new_device()
        self.addCleanup(device.close)
        return device

    def new_page(self, device: Device | None = None) -> Page:
        page = (device or self.new_device()).new_page(base_url)
        self.pages.append(page)
        return page

    def signed_in(self, account: str, device: Device | None = None) -> Page:
        page = self.new_page(device)
        self.sign_in(page, account)
        return page

    def sign_in(self, page: Page, account: str, password: str | None = None) -> None:
        page.goto("/signin")
        self.assertTrue(page.has(named("signin-form")))
        page.fill(named("username"), account)
        page.fill(named("password"), password or PASSWORDS[account])
        page.submit(named("signin"))

    def add_to_cart(self, page: Page) -> None:
        page.goto("/")
        page.submit(named("add-to-cart"))

    def cart_count(self, page: Page) -> int:
        return int(page.text(named("cart-count")))

    def assertSignedIn(self, page: Page, account: str) -> None:
        page.goto("/account")
        self.assertEqual((page.path, page.status), ("/account", 200))
        self.assertIn(account, page.text(named("account-name")).lower())

    def assertSignedOut(self, page: Page) -> None:
        page.goto("/account")
        self.assertEqual(page.path, "/signin")
        self.assertFalse(page.has(named("account-name")))

    def assertShowsNothing(self, page: Page) -> None:
        """A page that came back out of the browser's memory has hidden itself, and asks again."""
        self.assertFalse(page.is_visible(named("account-name")))
        page.wait_until("location.pathname === '/signin' && !document.documentElement.hidden")
        self.assertFalse(page.has(named("account-name")))

    def session_cookie(self, device: Device) -> dict:
        cookies = [cookie for cookie in device.cookies() if cookie["httpOnly"]]
        self.assertEqual(len(cookies), 1, "the shop has one session cookie")
        return cookies[0]

    # Browsing and the cart

    def test_looking_around_leaves_no_cookie(self) -> None:
        device = self.new_device()
        page = self.new_page(device)
        for path in ("/", "/cart", "/signin"):
            page.goto(path)
            self.assertEqual(page.status, 200)
        page.goto("/")
        self.assertGreater(page.count(named("add-to-cart")), 1)
        self.assertEqual(device.cookies(), [])

    def test_a_cart_fills_and_belongs_to_its_device(self) -> None:
        page = self.new_page()
        self.add_to_cart(page)
        self.assertEqual(self.cart_count(page), 1)
        self.add_to_cart(page)
        self.assertEqual(self.cart_count(page), 2)
        page.goto("/cart")
        self.assertGreaterEqual(page.count(named("cart-line")), 1)
        other = self.new_page()
        other.goto("/cart")
        self.assertEqual(self.cart_count(other), 0)
        self.assertEqual(other.count(named("cart-line")), 0)

    def test_two_tabs_fill_one_cart(self) -> None:
        device = self.new_device()
        first, second = self.new_page(device), self.new_page(device)
        self.add_to_cart(first)
        second.goto("/")
        first.goto("/")
        first.submit(named("add-to-cart"))
        second.submit(named("add-to-cart"))
        self.assertEqual(self.cart_count(second), 3)

    # Signing in

    def test_signing_in_and_out(self) -> None:
        page = self.new_page()
        self.assertSignedOut(page)
        self.sign_in(page, "ada")
        self.assertIn("ada", page.text(named("account-name")).lower())
        self.assertSignedIn(page, "ada")
        page.submit(named("signout"))
        self.assertFalse(page.has(named("account-name")))
        self.assertSignedOut(page)

    def test_a_wrong_password_signs_nobody_in(self) -> None:
        page = self.new_page()
        for account, password in (("ada", "engine-no-2"), ("nobody", "engine-no-1"), ("ada", "ENGINE-NO-1")):
            self.sign_in(page, account, password)
            self.assertTrue(page.has(named("signin-form")))
            self.assertFalse(page.has(named("account-name")))
        self.assertSignedOut(page)

    def test_what_was_chosen_before_signing_in_survives_it(self) -> None:
        page = self.new_page()
        page.goto("/")
        self.assertNotEqual(page.attribute("html", "data-theme"), "dark")
        page.submit(named("theme-dark"))
        self.assertEqual(page.attribute("html", "data-theme"), "dark")
        self.add_to_cart(page)
        self.sign_in(page, "grace")
        self.assertSignedIn(page, "grace")
        self.assertEqual(page.attribute("html", "data-theme"), "dark")
        self.assertEqual(self.cart_count(page), 1)
        other = self.new_page()
        other.goto("/")
        self.assertNotEqual(other.attribute("html", "data-theme"), "dark")

    def test_a_message_is_shown_once(self) -> None:
        page = self.new_page()
        self.sign_in(page, "alan")
        self.assertTrue(page.text(named("flash")))
        page.reload()
        self.assertFalse(page.has(named("flash")))

    # The cookie

    def test_the_cookie_is_for_this_host_and_for_no_script(self) -> None:
        device = self.new_device()
        page = self.signed_in("ada", device)
        cookie = self.session_cookie(device)
        self.assertTrue(cookie["name"].startswith("__Host-"))
        self.assertTrue(cookie["secure"])
        self.assertEqual((cookie["sameSite"], cookie["path"]), ("Lax", "/"))
        self.assertFalse(cookie["domain"].startswith("."))
        self.assertNotIn(cookie["value"], page.evaluate("document.cookie + document.documentElement.outerHTML"))

    def test_a_cookie_from_before_signing_in_gains_nothing(self) -> None:
        device = self.new_device()
        page = self.new_page(device)
        self.add_to_cart(page)
        before = device.cookies()
        self.sign_in(page, "ada")
        self.assertNotEqual(self.session_cookie(device)["value"], before[0]["value"])
        thief = self.new_device()
        thief.set_cookies(before)
        self.assertSignedOut(self.new_page(thief))
        self.assertSignedIn(page, "ada")

    def test_a_copied_cookie_dies_at_sign_out(self) -> None:
        device = self.new_device()
        page = self.signed_in("ada", device)
        thief = self.new_device()
        thief.set_cookies(device.cookies())
        stolen = self.new_page(thief)
        self.assertSignedIn(stolen, "ada")
        page.submit(named("signout"))
        self.assertSignedOut(stolen)

    # Devices

    def test_signing_out_another_device(self) -> None:
        here = self.signed_in("ada")
        here.goto("/account/devices")
        if here.count(named("device")) > 1:
            here.submit(named("signout-others"))
        there = self.signed_in("ada")
        here.goto("/account/devices")
        self.assertEqual(here.count(named("device")), 2)
        self.assertEqual(here.count(named("this-device")), 1)
        self.assertEqual(here.count(named("signout-device")), 1, "a device signs itself out elsewhere")
        self.assertSignedIn(there, "ada")
        here.submit(named("signout-device"))
        here.goto("/account/devices")
        self.assertEqual(here.count(named("device")), 1)
        self.assertSignedOut(there)
        self.assertSignedIn(here, "ada")

    def test_signing_out_everywhere_else(self) -> None:
        bystander = self.signed_in("alan")
        here = self.signed_in("grace")
        others = [self.signed_in("grace") for _ in range(2)]
        here.goto("/account/devices")
        self.assertGreaterEqual(here.count(named("device")), 3)
        here.submit(named("signout-others"))
        here.goto("/account/devices")
        self.assertEqual(here.count(named("device")), 1)
        for other in others:
            self.assertSignedOut(other)
        self.assertSignedIn(here, "grace")
        self.assertSignedIn(bystander, "alan")

    # After signing out

    def test_the_back_button_after_signing_out_shows_nothing(self) -> None:
        page = self.signed_in("ada")
        page.goto("/account")
        page.goto("/account/devices")
        page.submit(named("signout"))
        for _ in range(2):
            page.back()
            self.assertShowsNothing(page)

    def test_the_back_button_after_being_signed_out_elsewhere_shows_nothing(self) -> None:
        # Nothing in this browser has changed, so it does bring the page back out of its memory, `no-store` or not.
        page = self.signed_in("grace")
        page.goto("/account")
        page.goto("/cart")
        other = self.signed_in("grace")
        other.goto("/account/devices")
        other.submit(named("signout-others"))
        page.back()
        self.assertShowsNothing(page)

    def test_signing_out_in_one_tab_signs_out_the_other(self) -> None:
        device = self.new_device()
        first = self.signed_in("ada", device)
        second = self.new_page(device)
        self.assertSignedIn(second, "ada")
        first.submit(named("signout"))
        self.assertSignedOut(second)

    # Forms that others make

    def test_a_form_without_its_token_is_refused(self) -> None:
        page = self.signed_in("grace")
        stranger = self.signed_in("alan")
        stranger.goto("/account")
        foreign = stranger.attribute(CSRF, "value")
        for spoil in (
            f"document.querySelectorAll('{CSRF}').forEach(field => field.remove())",
            f"document.querySelectorAll('{CSRF}').forEach(field => field.value = '')",
            f"document.querySelectorAll('{CSRF}').forEach(field => field.value = '{foreign}')",
        ):
            page.goto("/account")
            self.assertGreaterEqual(page.count(CSRF), 1)
            page.evaluate(spoil)
            page.submit(named("signout"))
            self.assertEqual(page.status, 403)
            self.assertSignedIn(page, "grace")

    def test_every_form_of_a_signed_in_page_has_a_token_of_its_own(self) -> None:
        page = self.signed_in("grace")
        self.add_to_cart(page)
        tokens = []
        for path in ("/", "/cart", "/account", "/account/devices"):
            page.goto(path)
            bare = page.evaluate(
                "[...document.forms].filter(form => form.method === 'post')"
                f".filter(form => !form.querySelector('{CSRF}')).map(form => form.outerHTML)"
            )
            self.assertEqual(bare, [], path)
            tokens.append(page.attribute(CSRF, "value"))
        self.assertEqual(len(set(tokens)), len(tokens), "a token is masked anew on each page")

    def test_another_site_cannot_act_for_a_visitor(self) -> None:
        page = self.signed_in("alan")

        class Elsewhere(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"""<!doctype html><title>Elsewhere</title>
                    <form method=post action="{base_url}/signout"><button id=signout>Win a prize</button></form>
                    <form method=post action="{base_url}/signin"><input name=username value=ada>
                    <input name=password value=engine-no-1><button id=signin>Win another</button></form>""".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Another host than `localhost`, so another site.
        for button in ("#signout", "#signin"):
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
            page.submit(button)
            self.assertEqual(urlsplit(page.url).hostname, "localhost")
            self.assertSignedIn(page, "alan")

    # The rest

    def test_a_restart_signs_nobody_out(self) -> None:
        if shop is None:
            self.skipTest("the shop was not started here")
        page = self.signed_in("grace")
        self.add_to_cart(page)
        count = self.cart_count(page)
        shop.restart()
        self.assertSignedIn(page, "grace")
        self.assertEqual(self.cart_count(page), count)

    def test_pages_fit_a_phone_and_name_their_fields(self) -> None:
        page = self.signed_in("ada")
        self.add_to_cart(page)
        folder = os.environ.get("SCREENSHOTS")
        for path in ("/", "/cart", "/account", "/account/devices", "/signin"):
            for width, height in ((390, 844), (1280, 800)):
                page.resize(width, height)
                if path == "/signin":
                    page = self.new_page()
                    page.resize(width, height)
                page.goto(path)
                self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width, path)
                if folder:
                    name = path.strip("/").replace("/", "-") or "browse"
                    page.screenshot(os.path.join(folder, f"{name}-{width}.png"), full=True)
            nameless = page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
                ".filter(field => !field.labels.length && !field.ariaLabel).map(field => field.outerHTML)"
            )
            self.assertEqual(nameless, [], path)
            self.assertTrue(page.attribute("html", "lang"))


if __name__ == "__main__":
    unittest.main()
