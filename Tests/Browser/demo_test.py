"""`make demo` on every store: it starts what it needs, counts, and ends with Ctrl-C and without a trace.

No browser has a part in it: what answers is the API, as the README's first page uses it.
"""

from __future__ import annotations

import concurrent.futures
import glob
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from shop import TIMEOUT, free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOGIN = {"username": "ada", "password": "engine-no-1"}


class Visitor:
    """A client with the shop's cookies."""

    def __init__(self, port: int):
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, dict]:
        """The status of an answer, and its JSON."""
        fields = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            fields["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=fields)
            response = connection.getresponse()
            text = response.read()
            for field in response.headers.get_all("Set-Cookie") or []:
                pair, *attributes = field.split("; ")
                name, _, value = pair.partition("=")
                if "Max-Age=0" in attributes:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = value
            return response.status, json.loads(text)
        finally:
            connection.close()


class DemoTest(unittest.TestCase):
    def demo(self, store: str) -> Visitor:
        """Runs `make demo`'s script, until the test ends."""
        folder = tempfile.mkdtemp(prefix="demo-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        port = free_port()
        arguments = f"--database {folder}/shop.sqlite --directory {folder}/sessions"
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                [os.path.join(ROOT, "Scripts/demo.sh")],
                cwd=ROOT,
                # The servers' folders are made here, so that what is left of them is seen.
                env={**os.environ, "PORT": str(port), "STORE": store, "ARGS": arguments},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # What starts the tests may have them ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        self.addCleanup(self.kill, process)
        self.process, self.log = process, f"{folder}/log"
        visitor = Visitor(port)
        deadline = time.monotonic() + 2 * TIMEOUT
        while True:
            try:
                visitor.ask("GET", "/api/plain")
                return visitor
            except (OSError, http.client.HTTPException):
                self.assertIsNone(process.poll(), self.said())
                self.assertLess(time.monotonic(), deadline, self.said())
                time.sleep(0.1)

    def said(self) -> str:
        with open(self.log, errors="replace") as file:
            return file.read()[-4000:]

    def kill(self, process: subprocess.Popen) -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def interrupt(self) -> None:
        """Ctrl-C: the shop ends, and what was started for it."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.assertEqual(self.process.wait(TIMEOUT), 0, self.said())
        for folder in glob.glob("/tmp/sessions-*"):
            self.assertNotIn(folder, self.said(), "a server's folder is left")

    def sessions_of(self, visitor: Visitor) -> None:
        """What the README's first page shows."""
        for count in (1, 2):
            self.assertEqual(visitor.ask("POST", "/api/counter"), (200, {"counter": count}))
        self.assertEqual(visitor.ask("POST", "/api/login", LOGIN), (200, {"owner": "ada"}))

    def check(self, store: str) -> None:
        visitor = self.demo(store)
        self.sessions_of(visitor)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: visitor.ask("POST", "/api/counter"), range(20)))
        self.assertEqual(sorted(body["counter"] for _, body in answers), list(range(1, 21)))
        self.assertEqual(visitor.ask("POST", "/api/counter"), (200, {"counter": 21}))
        status, body = visitor.ask("GET", "/api/sessions")
        self.assertEqual((status, len(body["sessions"])), (200, 1))
        held = dict(visitor.cookies)
        self.assertEqual(visitor.ask("POST", "/api/logout")[0], 200)
        self.assertEqual(visitor.cookies, {})
        visitor.cookies = held
        self.assertEqual(visitor.ask("GET", "/api/sessions")[0], 401)
        self.interrupt()

    def test_sqlite(self) -> None:
        self.check("sqlite")

    def test_memory(self) -> None:
        self.check("memory")

    def test_redis(self) -> None:
        self.check("redis")

    def test_postgres(self) -> None:
        self.check("postgres")

    def test_mongo(self) -> None:
        self.check("mongo")

    def test_file(self) -> None:
        self.check("file")

    def test_what_sealed_cookies_cannot_do_is_answered_with_501(self) -> None:
        visitor = self.demo("cookie")
        self.sessions_of(visitor)
        status, session = visitor.ask("GET", "/api/session")
        self.assertEqual((status, session["owner"]), (200, "ada"))
        for method, path in (
            ("GET", "/api/sessions"),
            ("DELETE", "/api/sessions"),
            ("DELETE", "/api/sessions?keep=current"),
            ("DELETE", "/api/sessions/AAAAAAAAAAAAAAAAAAAAAA"),
            ("POST", "/api/consume/token"),
        ):
            status, body = visitor.ask(method, path)
            self.assertEqual((status, list(body)), (501, ["error"]), f"{method} {path}")
        self.assertEqual(visitor.ask("POST", "/api/counter")[1], {"counter": 1})
        # Its own session it can end: for this client.
        self.assertEqual(visitor.ask("DELETE", f"/api/sessions/{session['handle']}"), (200, {"ended": 1}))
        self.assertEqual(visitor.ask("GET", "/api/sessions")[0], 401)
        self.interrupt()


if __name__ == "__main__":
    unittest.main()
