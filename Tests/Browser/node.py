"""A Redis server and a Node service on express-session's sessions in it, for a test."""

from __future__ import annotations

import atexit
import json
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from shop import TIMEOUT, free_port

ROOT = Path(__file__).resolve().parents[2]


def end(process: subprocess.Popen | None) -> None:
    """Ends a process, however it is."""
    if process is not None:
        process.kill()
        process.wait()


class Redis:
    """One Redis server on this machine, which keeps nothing longer than it runs."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="redis-")
        self._process: subprocess.Popen | None = None
        atexit.register(self.close)
        deadline = time.monotonic() + TIMEOUT
        while not self._starts(deadline):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Redis does not start within {TIMEOUT:g} s")

    def _starts(self, deadline: float) -> bool:
        """False if the port was taken before Redis had it."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._ask("PING", check=False) == ["PONG"]:
                return True
            time.sleep(0.05)
        end(self._process)
        return False

    def _ask(self, *command: str, check: bool = True) -> list[str]:
        arguments = ["redis-cli", "-p", str(self.port), *command]
        answer = subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT, check=check)
        return answer.stdout.splitlines()

    def node_sessions(self) -> dict[str, dict]:
        """What connect-redis's keys hold."""
        keys = self._ask("--scan", "--pattern", "sess:*")
        return {key: json.loads(self._ask("GET", key)[0]) for key in keys}

    def remove_node_sessions(self) -> None:
        """Deletes connect-redis's keys."""
        for key in self.node_sessions():
            self._ask("DEL", key)

    def close(self) -> None:
        """Ends the server. May be called twice."""
        end(self._process)
        self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)


class Node:
    """The Node service, at express-session's defaults."""

    def __init__(self, redis: Redis, secret: str):
        settings = {"store": "redis", "url": redis.url, "secrets": [secret], "port": 0}
        service = ROOT / "Tests/SessionsExpressTests/service.js"
        self._process: subprocess.Popen | None = subprocess.Popen(
            ["node", str(service), str(ROOT / ".build/node/modules"), json.dumps(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)
        readable, _, _ = select.select([self._process.stdout], [], [], TIMEOUT)
        port = self._process.stdout.readline().strip() if readable else ""
        if not port:
            self.close()
            raise RuntimeError(f"Node does not listen within {TIMEOUT:g} s")
        self._base_url = f"http://localhost:{port}/"

    def address(self, *verbs: list) -> str:
        """The page that does what `verbs` say, and shows the session."""
        return self._base_url + "?" + urlencode({"do": json.dumps(verbs)})

    def close(self) -> None:
        """Ends the service. May be called twice."""
        if self._process is not None:
            end(self._process)
            self._process.stdout.close()
            self._process = None
