"""Drives a real Chromium over the DevTools protocol, with nothing but Python's standard library.

The browser is started with `--remote-debugging-pipe`: messages are JSON ended by a NUL byte, on two inherited file
descriptors. So there is no port to find or to leave open, no WebSocket to speak, and the browser ends by itself when
this process does.

    with Browser() as browser:
        device = browser.new_device()          # its own cookie jar: another person's machine
        page = device.new_page("http://localhost:8080")
        page.goto("/signin")
        page.fill("[name=username]", "ada")
        page.submit("button")                  # clicks, and waits for the page that answers
        assert page.path == "/account"

Input is real input: a click is a mouse event at the middle of the element, and it fails where a person could not have
clicked. Nothing waits for a fixed time; every wait is for an event or a condition, and has a deadline.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urljoin, urlsplit

TIMEOUT = float(os.environ.get("BROWSER_TIMEOUT", "120"))
"""How many seconds any one wait may take. A slow machine raises it; no test depends on its value."""

EXECUTABLES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

SWITCHES = (
    "--headless=new",
    "--remote-debugging-pipe",
    # The sandbox cannot start as root or in most containers, and the only pages loaded are our own.
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-features=MediaRouter,OptimizationHints,Translate",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    # Nothing but this machine is ever asked for anything.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)


class BrowserError(Exception):
    """The browser did not do what was asked, or not in time."""


def find_browser() -> str | None:
    """The browser to use: `$BROWSER_PATH`, or the first one that is installed; `None` if there is none."""
    chosen = os.environ.get("BROWSER_PATH")
    if chosen:
        return shutil.which(chosen)
    return next((found for found in map(shutil.which, EXECUTABLES) if found), None)


class Browser:
    """One running browser."""

    def __init__(self, executable: str | None = None):
        path = executable or find_browser()
        if path is None:
            raise BrowserError("no Chromium or Chrome is installed: install `chromium`, or set BROWSER_PATH")
        self._profile = tempfile.mkdtemp(prefix="browser-profile-")
        self._log_path = os.path.join(self._profile, "browser.log")
        self._next_id = 0
        self._replies: dict[int, dict] = {}
        self._buffer = bytearray()
        self._pages: dict[str, Page] = {}
        self._exit_code: int | None = None
        self._write_fd, self._read_fd, self._pid = self._spawn(path)
        try:
            self.version = self.call("Browser.getVersion")["product"]
        except BaseException:
            self.close()
            raise

    def _spawn(self, path: str) -> tuple[int, int, int]:
        def above_stdio(fd: int) -> int:
            # Out of the way of descriptors 3 and 4, which the browser's ends become.
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(fd)
            return moved

        commands_out, commands_in = map(above_stdio, os.pipe())
        replies_out, replies_in = map(above_stdio, os.pipe())
        arguments = [path, *SWITCHES, f"--user-data-dir={self._profile}", "about:blank"]
        pid = os.posix_spawn(
            path,
            arguments,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                (os.POSIX_SPAWN_DUP2, commands_out, 3),
                (os.POSIX_SPAWN_DUP2, replies_in, 4),
            ],
            setpgroup=0,
        )
        os.close(commands_out)
        os.close(replies_in)
        os.set_blocking(replies_out, False)
        return commands_in, replies_out, pid

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_device(self) -> Device:
        """A browser with cookies, cache and storage of its own, as on another machine."""
        return Device(self, self.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"])

    def close(self) -> None:
        """Ends the browser and removes what it kept. May be called twice."""
        if self._pid is None:
            return
        try:
            if not self._has_exited():
                self.call("Browser.close")
        except BrowserError:
            pass
        deadline = time.monotonic() + 5
        while not self._has_exited() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not self._has_exited():
            os.killpg(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._pid = None
        os.close(self._write_fd)
        os.close(self._read_fd)
        shutil.rmtree(self._profile, ignore_errors=True)

    # The protocol

    def call(self, method: str, session: str | None = None, **parameters: object) -> dict:
        """Sends a command and returns its result."""
        self._next_id += 1
        number = self._next_id
        message: dict = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            data = json.dumps(message).encode() + b"\0"
            while data:
                data = data[os.write(self._write_fd, data) :]
        except OSError as error:
            raise BrowserError(f"{method}: the browser is gone\n{self._log()}") from error
        self.wait(lambda: number in self._replies, lambda: f"{method}: no answer")
        reply = self._replies.pop(number)
        if "error" in reply:
            raise BrowserError(f"{method}: {reply['error'].get('message')} {reply['error'].get('data', '')}".rstrip())
        return reply.get("result", {})

    def wait(self, condition, complaint) -> None:
        """Reads messages until `condition()` holds; fails with `complaint()` after `TIMEOUT` seconds."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise BrowserError(f"{complaint()} within {TIMEOUT:g} s")
            self._receive(left)

    def _receive(self, timeout: float) -> None:
        readable, _, _ = select.select([self._read_fd], [], [], timeout)
        if not readable:
            return
        data = os.read(self._read_fd, 1 << 20)
        if not data:
            raise BrowserError(f"the browser ended\n{self._log()}")
        self._buffer += data
        *messages, rest = self._buffer.split(b"\0")
        self._buffer = bytearray(rest)
        for text in messages:
            message = json.loads(bytes(text))
            if "id" in message:
                self._replies[message["id"]] = message
            elif message.get("sessionId") in self._pages:
                self._pages[message["sessionId"]]._on_event(message["method"], message.get("params", {}))

    def _has_exited(self) -> bool:
        if self._exit_code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._exit_code = status
        return self._exit_code is not None

    def _log(self) -> str:
        try:
            return Path(self._log_path).read_text(errors="replace")[-4000:]
        except OSError:
            return ""


class Device:
    """One person's browser: its own cookie jar, shared by all of its pages."""

    def __init__(self, browser: Browser, context: str):
        self.browser = browser
        self._context = context

    def new_page(self, base_url: str = "") -> Page:
        """A new tab. Paths given to its `goto` are relative to `base_url`."""
        target = self.browser.call("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        session = self.browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session, base_url)

    def cookies(self) -> list[dict]:
        """Every cookie in the jar, as the DevTools protocol describes them."""
        return self.browser.call("Storage.getCookies", browserContextId=self._context)["cookies"]

    def set_cookies(self, cookies: list[dict]) -> None:
        """Puts cookies into the jar, as a thief who copied them would."""
        known = {"name", "value", "domain", "path", "secure", "httpOnly", "sameSite", "expires", "url"}
        kept = [{key: value for key, value in cookie.items() if key in known} for cookie in cookies]
        for cookie in kept:
            if cookie.get("expires") == -1:
                del cookie["expires"]
        self.browser.call("Storage.setCookies", browserContextId=self._context, cookies=kept)

    def clear_cookies(self) -> None:
        """Empties the jar."""
        self.browser.call("Storage.clearCookies", browserContextId=self._context)

    def close(self) -> None:
        """Closes every page and forgets everything."""
        self.browser.call("Target.disposeBrowserContext", browserContextId=self._context)


class Page:
    """One tab."""

    def __init__(self, device: Device, target: str, session: str, base_url: str):
        self.device = device
        self.base_url = base_url
        self.problems: list[str] = []
        """Uncaught exceptions and console errors of every page this tab has shown."""
        self.dialogs: list[str] = []
        """The text of every alert or question; each is accepted at once."""
        self.status: int | None = None
        """The status of the response that the page came in; `None` where it came out of the back/forward cache."""
        self.headers: dict[str, str] = {}
        """The fields of that response, names in lower case."""
        self._browser = device.browser
        self._session = session
        self._target = target
        self._documents: dict[str, dict] = {}
        self._navigations = 0
        self._shown: str | None = None
        self._loaded: set[str] = set()
        self._restored = False
        self._browser._pages[session] = self
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)
        self._shown = self._call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]

    def _call(self, method: str, **parameters: object) -> dict:
        return self._browser.call(method, session=self._session, **parameters)

    def _on_event(self, method: str, event: dict) -> None:
        if method == "Page.frameNavigated" and "parentId" not in event["frame"]:
            self._navigations += 1
            self._shown = event["frame"]["loaderId"]
            self._restored = event.get("type") == "BackForwardCacheRestore"
        elif method == "Page.lifecycleEvent" and event["name"] == "load":
            self._loaded.add(event["loaderId"])
        elif method == "Network.responseReceived" and event["type"] == "Document":
            self._documents[event["loaderId"]] = event["response"]
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            # A page that answers with an error status is also logged as an error; `status` tells that already.
            if event["entry"]["source"] != "network":
                self.problems.append(event["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(event["message"])
            self._browser._next_id += 1
            answer = {
                "id": self._browser._next_id,
                "method": "Page.handleJavaScriptDialog",
                "params": {"accept": True},
                "sessionId": self._session,
            }
            os.write(self._browser._write_fd, json.dumps(answer).encode() + b"\0")

    def close(self) -> None:
        """Closes the tab."""
        self._browser.call("Target.closeTarget", targetId=self._target)
        del self._browser._pages[self._session]

    # Where the page is

    @property
    def url(self) -> str:
        return self.evaluate("location.href")

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def title(self) -> str:
        return self.evaluate("document.title")

    def goto(self, address: str) -> None:
        """Opens an address or a path, as if typed, and waits until it has loaded."""

        def open_address() -> None:
            result = self._call("Page.navigate", url=urljoin(self.base_url, address))
            if "errorText" in result:
                raise BrowserError(f"{address}: {result['errorText']}")

        self._navigate(open_address, f"opening {address}")

    def reload(self) -> None:
        """Loads the page again."""
        self._navigate(lambda: self._call("Page.reload"), "reloading")

    def back(self) -> None:
        """Presses the back button."""
        self._go_in_history(-1)

    def forward(self) -> None:
        """Presses the forward button."""
        self._go_in_history(+1)

    def _go_in_history(self, step: int) -> None:
        history = self._call("Page.getNavigationHistory")
        index = history["currentIndex"] + step
        if not 0 <= index < len(history["entries"]):
            raise BrowserError("there is no such entry in the history")
        entry = history["entries"][index]
        self._navigate(
            lambda: self._call("Page.navigateToHistoryEntry", entryId=entry["id"]),
            f"going to {entry['url']} in the history",
        )

    def _navigate(self, action, what: str) -> None:
        """Does what leads to another page, and waits until that page has loaded."""
        count, shown = self._navigations, self._shown
        action()

        def arrived() -> bool:
            if self._navigations == count:
                return False
            return self._restored or (self._shown != shown and self._shown in self._loaded)

        self._browser.wait(arrived, lambda: f"{what}: no page has loaded")
        response = {} if self._restored else self._documents.get(self._shown or "", {})
        self.status = response.get("status")
        self.headers = {name.lower(): value for name, value in response.get("headers", {}).items()}

    # What the page shows

    def evaluate(self, expression: str) -> object:
        """The value of a JavaScript expression: on the next page, if this one goes away while it is asked."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                result = self._call(
                    "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True
                )
                break
            except BrowserError as error:
                is_between_pages = any(text in str(error) for text in ("context", "navigated or closed"))
                if not is_between_pages or time.monotonic() > deadline:
                    raise
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def count(self, selector: str) -> int:
        """How many elements match."""
        return self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")

    def has(self, selector: str) -> bool:
        """Whether an element matches."""
        return self.count(selector) > 0

    def text(self, selector: str) -> str:
        """The text a person sees in the first element that matches, without white space around it."""
        return self._of(selector, "element.innerText.trim()")

    def is_visible(self, selector: str) -> bool:
        """Whether an element matches that takes up room on the page."""
        return self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].some(element => element.getClientRects().length)"
        )

    def texts(self, selector: str) -> list[str]:
        """The text a person sees in each element that matches."""
        return self.evaluate(
            f"Array.from(document.querySelectorAll({json.dumps(selector)}), element => element.innerText.trim())"
        )

    def attribute(self, selector: str, name: str) -> str | None:
        """An attribute of the first element that matches; `None` if it has no such attribute."""
        return self._of(selector, f"element.getAttribute({json.dumps(name)})")

    def value(self, selector: str) -> str:
        """What stands in a form field."""
        return self._of(selector, "element.value")

    def remove(self, selector: str) -> int:
        """Takes every element that matches out of the page; returns how many there were."""
        return self.evaluate(
            f"(found => (found.forEach(element => element.remove()), found.length))"
            f"([...document.querySelectorAll({json.dumps(selector)})])"
        )

    def wait_for(self, selector: str) -> None:
        """Waits until an element matches."""
        self.wait_until(f"document.querySelector({json.dumps(selector)}) !== null", f"{selector} has not appeared")

    def wait_until(self, expression: str, complaint: str | None = None) -> None:
        """Waits until a JavaScript expression is true, through any number of pages, looking once a frame."""
        deadline = time.monotonic() + TIMEOUT
        look = f"new Promise(done => setTimeout(() => done(!!({expression})), 16))"
        while not self.evaluate(look):
            if time.monotonic() > deadline:
                raise BrowserError(f"{complaint or expression} within {TIMEOUT:g} s")

    def resize(self, width: int, height: int) -> None:
        """Gives the window another size; below 600 pixels it is a phone's."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def screenshot(self, path: str | os.PathLike, full: bool = False) -> None:
        """Writes what the page looks like as a PNG; `full` takes in all of its length."""
        data = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        Path(path).write_bytes(base64.b64decode(data))

    # What a person does

    def click(self, selector: str) -> None:
        """Clicks the middle of the first element that matches."""
        point = self._of(
            selector,
            """(() => {
                element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
                const box = element.getBoundingClientRect();
                const x = box.left + box.width / 2, y = box.top + box.height / 2;
                const hit = document.elementFromPoint(x, y);
                if (box.width === 0 || box.height === 0) return { refused: "is not visible" };
                if (element.disabled) return { refused: "is disabled" };
                if (!element.contains(hit))
                    return { refused: `is covered by ${hit ? hit.outerHTML.slice(0, 80) : "nothing on screen"}` };
                return { x, y };
            })()""",
        )
        if "refused" in point:
            raise BrowserError(f"{selector} {point['refused']}")
        for kind in ("mousePressed", "mouseReleased"):
            self._call(
                "Input.dispatchMouseEvent", type=kind, x=point["x"], y=point["y"], button="left", clickCount=1
            )

    def submit(self, selector: str) -> None:
        """Clicks a button or a link, and waits until the page that it leads to has loaded."""
        self._navigate(lambda: self.click(selector), f"clicking {selector} on {self.url}")

    def fill(self, selector: str, text: str) -> None:
        """Replaces what stands in a form field, by typing."""
        self._of(selector, "(element.focus(), element.select && element.select())")
        if not self._of(selector, "document.activeElement === element"):
            raise BrowserError(f"{selector} cannot be typed into")
        if text:
            self._call("Input.insertText", text=text)
        else:
            self._of(selector, "(element.value = '')")
        if self.value(selector) != text:
            raise BrowserError(f"{selector} did not take the text")

    def _of(self, selector: str, expression: str) -> object:
        """An expression about `element`, the first one that matches."""
        missing = "__missing__"
        value = self.evaluate(
            f"(element => element === null ? {json.dumps(missing)} : ({expression}))"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        if value == missing:
            raise BrowserError(f"{selector} is not on {self.url}")
        return value


if __name__ == "__main__":
    with Browser() as opened:
        sys.stdout.write(opened.version + "\n")
