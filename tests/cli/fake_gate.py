"""A gate's control socket without a gate: answers what it is told to, and remembers what it was asked."""

import json
import socketserver
import threading
from pathlib import Path
from typing import Any


class FakeGate:
    """Use as a context manager. `asked` holds every request; `answers` what each verb gets."""

    def __init__(self, path: Path, sessions: list[str]) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {
            "status": {"ok": True, "gate": "gate-1", "sessions": sessions, "latches": 0, "database": False},
            "cut": {"ok": True, "latch": "latch-1", "ended": sessions[:1], "milliseconds": 2.5},
        }
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                message = json.loads(self.rfile.readline())
                fake.asked.append(message)
                self.wfile.write(json.dumps(fake.answers[message["verb"]]).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "FakeGate":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
