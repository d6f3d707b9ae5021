"""Starts, restarts and stops the demo shop for a test."""

from __future__ import annotations

import atexit
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TIMEOUT = float(os.environ.get("BROWSER_TIMEOUT", "120"))


def free_port() -> int:
    """A port of this machine that nobody listens on.

    It is below those that systems give to clients: no connection takes it before a server does, or while one restarts,
    and none that is made to it meanwhile is one to itself.
    """
    for _ in range(1000):
        port = random.randrange(22_000, 32_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port from 22000 to 31999 is free")


class Shop:
    """One shop, on a free port, with its files in a scratch folder that goes when it stops for good.

    `options` are its command line and `environment` its variables beside those of this process; what is put there later
    holds from the next start on.
    """

    def __init__(self, binary: str, options: tuple[str, ...] = ("--store", "sqlite"), **environment: str):
        self.options = options
        self.environment = environment
        self._binary = os.path.abspath(binary)
        self._folder = tempfile.mkdtemp(prefix="shop-")
        self._log_path = os.path.join(self._folder, "shop.log")
        self._database = os.path.join(self._folder, "shop.sqlite")
        self._process: subprocess.Popen | None = None
        self.port = free_port()
        # `localhost`, not a number: browsers take Secure cookies from there without TLS.
        self.base_url = f"http://localhost:{self.port}"
        atexit.register(self.close)

    def start(self) -> None:
        """Starts the shop and waits until it answers."""
        # It runs in a folder that is empty at first: what it finds after a restart is what it has kept itself.
        with open(self._log_path, "ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "--port", str(self.port), "--database", self._database, *self.options],
                cwd=self._folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + TIMEOUT
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the shop ended with {self._process.returncode} at its start\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the shop does not answer within {TIMEOUT:g} s\n{self.log()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return True
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Asks the shop to shut down, and fails if it does not do so cleanly."""
        process = self._process
        if process is None:
            return
        self._process = None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError(f"the shop does not shut down within {TIMEOUT:g} s\n{self.log()}") from None
        if status != 0:
            raise RuntimeError(f"the shop ended with {status} when asked to shut down\n{self.log()}")

    def restart(self) -> None:
        """Stops the shop and starts it again, with the files it has."""
        self.stop()
        self.start()

    def log(self) -> str:
        """The end of what the shop has printed."""
        with open(self._log_path, errors="replace") as file:
            return file.read()[-4000:]

    def close(self) -> None:
        """Ends the shop, however it is, and removes its files. May be called twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
