"""Answers signs (`sign/`): whether anybody is inside, from the gate's own memory, signed for each question.

A listener of its own with the smallest possible HTTP: GET, a bounded head, a bounded number of connections of
which a new one pushes out the oldest. Whoever stands before it must not be able to slow the gate.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.sign.beats import Beat, State, is_nonce

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
ANSWER_SECONDS = 0.5
"""A question whose answer the asker knows already is answered after so long; any other at once."""
HEAD_BYTES = 4096
HEAD_SECONDS = 10.0
MOST_CONNECTIONS = 64
ANSWER_EVERY = 0.01
"""Seconds between any two answers: a hundred a second, whoever asks how often. Signing more would slow the gate."""
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'"
_PAGE = {
    "/": ("sign.html", "text/html; charset=utf-8"),
    "/sign.js": ("sign.js", "text/javascript; charset=utf-8"),
    "/sign.css": ("sign.css", "text/css; charset=utf-8"),
}


class Heartbeat:
    """`inside` says how many sessions there are this moment."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey, inside: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self._name = name
        self._key = key
        self._inside = inside
        self._monotonic = monotonic
        self._sessions = inside()
        self._since = monotonic()
        self._changed = asyncio.Event()
        self._connections: dict[asyncio.StreamWriter, str] = {}
        self._next_answer = 0.0
        self._server: asyncio.Server | None = None
        self._pages = {
            path: (files("sekisho.sign").joinpath("page", name).read_bytes(), kind)
            for path, (name, kind) in _PAGE.items()
        }

    async def start(self, address: str, port: int) -> None:
        self._server = await asyncio.start_server(self._serve, address, port, limit=HEAD_BYTES)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.transport.abort()

    async def keep_looking(self) -> None:
        """Notices each change within `LOOK_SECONDS`, for ever."""
        while True:
            sessions = self._inside()
            if bool(sessions) != bool(self._sessions):
                self._since = self._monotonic()
                self._changed.set()
                self._changed = asyncio.Event()
            self._sessions = sessions
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def state(self) -> State:
        return State.CONNECTED if self._sessions else State.NOT_CONNECTED

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= MOST_CONNECTIONS:
            self._send_one_away()
        self._connections[writer] = str((writer.get_extra_info("peername") or ("?",))[0])
        try:
            while await self._answer_one(reader, writer):
                pass
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._connections.pop(writer, None)
            writer.close()

    def _send_one_away(self) -> None:
        """The oldest connection of the address that has most."""
        crowd, _ = Counter(self._connections.values()).most_common(1)[0]
        oldest = next(writer for writer, address in self._connections.items() if address == crowd)
        self._connections.pop(oldest)
        oldest.transport.abort()

    async def _turn(self) -> None:
        """Waits until it is this answer's turn."""
        now = self._monotonic()
        self._next_answer = max(self._next_answer + ANSWER_EVERY, now)
        await asyncio.sleep(self._next_answer - now)

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One question and its answer. False when the connection is over."""
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        await self._turn()
        method, _, rest = head.partition(b" ")
        target = urlsplit(rest.partition(b" ")[0].decode("ascii", "replace"))
        if method != b"GET":
            _send(writer, 405, b"", "text/plain")
            return False
        if target.path == "/beat":
            asked = parse_qs(target.query)
            nonce = asked.get("nonce", [""])[0]
            if not is_nonce(nonce):
                _send(writer, 400, b"nonce?\n", "text/plain")
                return False
            _send(writer, 200, await self._beat(nonce, asked.get("known", [""])[0]), "text/plain")
        elif target.path in self._pages:
            _send(writer, 200, *self._pages[target.path])
        else:
            _send(writer, 404, b"", "text/plain")
        async with asyncio.timeout(HEAD_SECONDS):
            await writer.drain()
        return True

    async def _beat(self, nonce: str, known: str) -> bytes:
        if known == self.state:
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
        sessions = self._inside()
        state = State.CONNECTED if sessions else State.NOT_CONNECTED
        seconds = int(self._monotonic() - self._since)
        return Beat(self._name, state, sessions, seconds, nonce).signed(self._key) + b"\n"


def _send(writer: asyncio.StreamWriter, status: int, body: bytes, kind: str) -> None:
    words = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}
    head = (
        f"HTTP/1.1 {status} {words[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"Content-Security-Policy: {_POLICY}\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
        f"Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n\r\n"
    )
    writer.write(head.encode("ascii") + body)
