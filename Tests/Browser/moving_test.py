"""The article "Move an Express service to Swift without logging anyone out", step by step.

A Node service and the demo shop are on one Redis, and real browsers go back and forth between them. The steps below are
those of the article, in its order and under its headings. STOREFRONT is the shop's binary.
"""

from __future__ import annotations

import json
import os
import re
import unittest

from cdp import Browser, Device
from node import ROOT, Node, Redis
from shop import Shop

ARTICLE = ROOT / "Sources/Sessions/Sessions.docc/Moving.md"
SECRET = "keyboard cat"
NODES, OURS = "connect.sid", "__Host-Http-sid"


def named(name: str) -> str:
    return f"[data-test={name}]"


class Person:
    """Somebody with a browser of their own, who goes to the shop and to Node in one tab each."""

    def __init__(self, test: MovingTest, name: str, device: Device | None = None):
        self.test = test
        self.name = name
        self.device = device or test.browser.new_device()
        self.page = self.device.new_page(test.shop.base_url)
        self._node_page = self.device.new_page()

    # At Node

    def node(self, *verbs: list) -> dict:
        """A request to Node, and what its session holds then."""
        self._node_page.goto(self.test.node.address(*verbs))
        self.test.assertEqual(self._node_page.status, 200)
        return json.loads(self._node_page.evaluate("document.querySelector('pre').textContent"))["session"]

    def sign_in_at_node(self) -> None:
        """As Passport signs somebody in: under a new id."""
        self.node(["regenerate"], ["set", "passport", {"user": self.name}], ["set", "visits", 1])

    # In the shop

    def add_to_cart(self) -> None:
        self.page.goto("/")
        self.page.submit(named("add-to-cart"))

    def cart_count(self) -> int:
        self.page.goto("/cart")
        return int(self.page.text(named("cart-count")))

    def sign_out(self) -> None:
        self.page.goto("/account")
        self.page.submit(named("signout"))

    # In the browser

    def cookies(self) -> set[str]:
        return {cookie["name"] for cookie in self.device.cookies()}

    def copy(self) -> Person:
        """The same person in another browser, with the same cookies: one whose next replies the first never sees."""
        other = Person(self.test, self.name)
        other.device.set_cookies(self.device.cookies())
        return other

    def assert_signed_in(self) -> None:
        self.page.goto("/account")
        self.test.assertEqual((self.page.path, self.page.status), ("/account", 200))
        self.test.assertIn(self.name, self.page.text(named("account-name")).lower())

    def assert_signed_out(self) -> None:
        self.page.goto("/account")
        self.test.assertEqual(self.page.path, "/signin")


class MovingTest(unittest.TestCase):
    browser: Browser
    redis: Redis
    node: Node
    shop: Shop

    def setUp(self) -> None:
        self.browser = Browser()
        self.addCleanup(self.browser.close)
        self.redis = Redis()
        self.addCleanup(self.redis.close)
        self.node = Node(self.redis, SECRET)
        self.addCleanup(self.node.close)
        self.shop = Shop(os.environ["STOREFRONT"], REDIS_URL=self.redis.url)
        self.addCleanup(self.shop.close)

    def start_shop(self, *options: str, **environment: str) -> None:
        """Starts the shop, in place of the one that runs."""
        self.shop.options = ("--store", "redis", *options)
        self.shop.environment = {"REDIS_URL": self.redis.url, **environment}
        self.shop.restart()

    def test_nobody_is_logged_out(self) -> None:
        steps = [
            self.step_1_start_swift_beside_node,
            self.step_2_read_whom_node_has_signed_in,
            self.step_3_move_one_route_after_the_other,
            self.step_4_stop_node,
            self.step_5_start_swift_with_moving_from,
            self.step_6_wait_for_the_last_old_cookie,
            self.step_7_leave_moving_from_out,
        ]
        headings = re.findall(r"^#+ (Step \d+: .*)$", ARTICLE.read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(headings, [step.__doc__ for step in steps])
        for step in steps:
            step()

    # Phase 1: beside

    def step_1_start_swift_beside_node(self) -> None:
        """Step 1: Start Swift on Node's cookie and Node's store"""
        self.ada = Person(self, "ada")
        self.ada.node(["set", "cart", [{"product": "gear", "quantity": 2}]], ["set", "wishes", {"b": [1, "é"], "a": None}])
        before = self.redis.node_sessions()
        cookies = self.ada.device.cookies()
        self.start_shop("--express", "beside", EXPRESS_SECRETS=SECRET)
        self.assertEqual(self.ada.cart_count(), 2)
        # Looking around has changed nothing: no record, and no cookie.
        self.assertEqual(self.redis.node_sessions(), before)
        self.assertEqual(self.ada.device.cookies(), cookies)
        self.ada.assert_signed_out()

    def step_2_read_whom_node_has_signed_in(self) -> None:
        """Step 2: Read whom Node has signed in"""
        self.grace = Person(self, "grace")
        for person in (self.ada, self.grace):
            person.sign_in_at_node()
            person.assert_signed_in()
            self.assertEqual(person.cookies(), {NODES})
            # What of it is the shop's own is not there: Node knows no owner.
            person.page.goto("/api/session")
            self.assertIsNone(json.loads(person.page.evaluate("document.body.innerText"))["owner"])

    def step_3_move_one_route_after_the_other(self) -> None:
        """Step 3: Move one route after the other"""
        ada = self.ada
        ada.node(["set", "wishes", {"b": [1, "é"], "a": None}])
        ada.add_to_cart()
        session = ada.node(["increment", "visits"])
        # The shop's change is there, and all that is Node's.
        self.assertEqual([line["quantity"] for line in session["cart"]], [1])
        self.assertEqual(session["wishes"], {"b": [1, "é"], "a": None})
        self.assertEqual((session["passport"], session["visits"]), ({"user": "ada"}, 2))
        # And back.
        ada.node(["set", "cart", [*session["cart"], {"product": "rotor", "quantity": 3}]])
        self.assertEqual(ada.cart_count(), 4)
        ada.add_to_cart()
        self.assertEqual(sum(line["quantity"] for line in ada.node()["cart"]), 5)
        self.assertEqual(ada.cookies(), {NODES})
        ada.assert_signed_in()
        # A logout of one is one of the other, and not only in the browser that has done it.
        for sign_out in (self.grace.sign_out, lambda: self.grace.node(["destroy"])):
            thief = self.grace.copy()
            thief.assert_signed_in()
            sign_out()
            for person in (self.grace, thief):
                person.assert_signed_out()
                self.assertNotIn("passport", person.node())
            self.grace.sign_in_at_node()
            self.grace.assert_signed_in()
        ada.assert_signed_in()

    # Phase 2: moving

    def step_4_stop_node(self) -> None:
        """Step 4: Stop Node"""
        # Somebody who will not come back before it is over.
        self.late_visitor = Person(self, "nobody")
        self.late_visitor.node(["set", "cart", [{"product": "gear", "quantity": 2}]])
        self.node.close()

    def step_5_start_swift_with_moving_from(self) -> None:
        """Step 5: Start Swift with `movingFrom:`"""
        ada = self.ada
        self.late = ada.copy()
        self.start_shop("--express", "moving", EXPRESS_SECRETS=SECRET)
        # Node's cookie is accepted, and the first change is answered with our own.
        ada.assert_signed_in()
        self.assertEqual(ada.cart_count(), 5)
        ada.add_to_cart()
        self.assertEqual(ada.cookies(), {OURS})
        ada.assert_signed_in()
        self.assertEqual(ada.cart_count(), 6)
        ada.page.goto("/api/session")
        self.assertEqual(json.loads(ada.page.evaluate("document.body.innerText"))["owner"], "ada")
        # Who comes late with the old cookie is led to the same session, not to another one.
        self.late.assert_signed_in()
        self.late.add_to_cart()
        self.assertEqual(self.late.cookies(), {OURS})
        self.assertEqual(ada.cart_count(), 7)
        ada.page.goto("/account/devices")
        self.assertEqual(ada.page.count(named("device")), 1)
        # A logout ends the session under either cookie.
        late = self.grace.copy()
        self.grace.add_to_cart()
        self.assertEqual(self.grace.cookies(), {OURS})
        thief = self.grace.copy()
        self.grace.sign_out()
        for person in (self.grace, late, thief):
            person.assert_signed_out()
        # Who is new has nothing to do with Node.
        alan = Person(self, "alan")
        alan.add_to_cart()
        self.assertEqual(alan.cookies(), {OURS})
        ada.assert_signed_in()

    def step_6_wait_for_the_last_old_cookie(self) -> None:
        """Step 6: Wait until no old cookie is worth anything"""
        # Of Ada's session and Grace's a mark is left that leads on. What else is there is nobody's.
        records = list(self.redis.node_sessions().values())
        self.assertEqual([record for record in records if "passport" in record], [])
        self.assertEqual(["swiftMoved" in record for record in records].count(True), 2)
        self.assertEqual(self.late_visitor.cart_count(), 2)
        self.assertEqual(self.late_visitor.cookies(), {NODES})

    # Phase 3: done

    def step_7_leave_moving_from_out(self) -> None:
        """Step 7: Leave `movingFrom:` out"""
        self.start_shop()
        # The record is there still, and no cookie opens it any more.
        self.assertEqual(self.late_visitor.cart_count(), 0)
        self.redis.remove_node_sessions()
        for person in (self.ada, self.late):
            person.assert_signed_in()
            self.assertEqual(person.cart_count(), 7)
            self.assertEqual(person.cookies(), {OURS})
        self.assertEqual(self.redis.node_sessions(), {})
        self.ada.sign_out()
        for person in (self.ada, self.late):
            person.assert_signed_out()


if __name__ == "__main__":
    unittest.main()
