"""The gate's side of the control socket (`access/control.py`): status, wake, cut.

Needs neither database nor console. Who may open the socket is the file system's answer; who cut is taken
from the kernel (SO_PEERCRED) for the command line, and believed of the console; the account that asked is
noted beside it in every case.
"""

import asyncio
import json
import os
import pwd
import re
import socket
import struct
from pathlib import Path
from typing import Any
from uuid import UUID

from sekisho.access.facts import LatchFacts
from sekisho.gate.gate import Gate
from sekisho.kernel.ids import LineCode

ANSWER_TIMEOUT = 5.0
_PERSON = re.compile(r"person:[-a-zA-Z0-9_]{1,40}")
"""What the register can keep: anything else would leave a cut without its record."""


class ControlServer:
    """Listens on the installation's gate socket."""

    def __init__(self, gate: Gate, path: Path) -> None:
        self._gate = gate
        self._path = path
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        finally:
            os.umask(before)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                line = await reader.readline()
                answer = await self._answer(line, _peer(writer))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, OSError, ValueError):
            writer.transport.abort()
        finally:
            writer.close()

    async def _answer(self, line: bytes, peer: str) -> dict[str, Any]:
        try:
            message = json.loads(line)
            verb = message["verb"]
        except (ValueError, KeyError, TypeError):
            return _error("bad-request", "要求を読めません。", "The request cannot be read.")
        if verb == "status":
            return self._status()
        if verb == "wake":
            self._gate.woken()
            return {"ok": True}
        by = str(message.get("by", ""))
        by = by if _PERSON.fullmatch(by) else peer
        if verb == "cut":
            return await self._cut(message, by, peer)
        if verb in ("freeze", "resume"):
            return self._press(message, verb == "freeze", by)
        return _error("unknown-verb", "知らない要求です。", "Unknown request.")

    def _status(self) -> dict[str, Any]:
        gate = self._gate
        return {
            "ok": True,
            "gate": gate.name,
            "sessions": [str(key) for key, passage in gate.passages.items() if passage.permit],
            "frozen": {str(key): each.frozen for key, each in gate.passages.items() if each.frozen},
            "latches": len(gate.latches.held),
            "database": gate.database_seen,
            "ready": gate.ready,
        }

    def _press(self, message: dict[str, Any], pressed: bool, by: str) -> dict[str, Any]:
        session = _session(message)
        passage = self._gate.passages.get(session) if session else None
        if session is None or passage is None or not passage.permit:
            return _NO_SESSION if session is None else _NOT_CONNECTED
        passage.press(pressed, by)
        return {"ok": True, "frozen": passage.frozen}

    async def _cut(self, message: dict[str, Any], by: str, peer: str) -> dict[str, Any]:
        session: UUID | None = None
        covers: LatchFacts | None
        if "session" in message:
            session = _session(message)
            if session is None:
                return _NO_SESSION
            covers = self._gate.cover_of(session)
        elif "line" in message:
            line = str(message["line"])
            if not self._gate.may_be_a_line(line):
                return _error(
                    "unknown-line",
                    f"「{line[:40]}」という回線に端末はありません。何も遮断していません。コードを確かめてください。",
                    f'No terminal stands on a line "{line[:40]}". Nothing was cut; check the code.',
                )
            covers = LatchFacts(line=LineCode(line))
        elif message.get("everything") is True:
            covers = LatchFacts()
        else:
            return _error("bad-request", "何を遮断するのか書かれていません。", "It does not say what to cut.")
        if covers is None:
            return _NOT_CONNECTED
        latch, ended, milliseconds = await self._gate.cut(covers, by, peer, session)
        return {
            "ok": True,
            "latch": str(latch),
            "ended": [str(each) for each in ended],
            "milliseconds": round(milliseconds, 2),
        }


def _peer(writer: asyncio.StreamWriter) -> str:
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    _, uid, _ = struct.unpack("3i", credentials)
    try:
        return f"os-user:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"os-user:{uid}"


def _error(code: str, ja: str, en: str) -> dict[str, Any]:
    return {"ok": False, "error": code, "ja": ja, "en": en}


def _session(message: dict[str, Any]) -> UUID | None:
    try:
        return UUID(message["session"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


_NO_SESSION = _error("bad-request", "接続番号の形が違います。", "That is not a session id.")
_NOT_CONNECTED = _error(
    "not-connected",
    "その接続は今この関所にありません(もう終わっています)。",
    "That session is not at this gate now (it has ended).",
)
