"""The gate's control socket: the messages, and the client that console and command line use.

One JSON object a line in each direction over a Unix socket that only the installation's own user and
group may open. The gate answers from its own memory: neither database nor console is in the way.

Requests:
    {"verb": "status"}
        -> {"ok": true, "gate": str, "sessions": [str, ...],
            "frozen": {id: why}, "latches": int, "database": bool}
    {"verb": "wake"}
        -> {"ok": true}. Sent after a verb has changed a row the gate watches; the row is the truth.
    {"verb": "cut", "by": actor, "session": id} or {"verb": "cut", "by": actor, "line": code}
    or {"verb": "cut", "by": actor, "everything": true}
        -> {"ok": true, "latch": id, "ended": [id, ...], "milliseconds": float}
    {"verb": "freeze" | "resume", "by": actor, "session": id}
        -> {"ok": true, "frozen": why or null}: why it still stands still after the button was let go
Errors: {"ok": false, "error": code, "ja": str, "en": str}.
"""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class GateUnreachable(Exception):
    """Nobody answers on the gate's socket. The caller shows "unknown" and how to cut by other means."""


class GateRefused(Exception):
    """The gate answered that it will not; `ja` and `en` say why."""

    def __init__(self, code: str, ja: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code, self.ja, self.en = code, ja, en


@dataclass(frozen=True, slots=True)
class CutDone:
    """What the gate did: the latch now holding, the sessions ended, and how long it took in its hands."""

    latch: str
    ended: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class GateClient:
    """Asks one gate. Each call is one short connection; `timeout` in seconds bounds every wait."""

    path: Path
    timeout: float = 3.0

    def cut_session(self, session: str, by: str) -> CutDone:
        return self._cut(session=session, by=by)

    def cut_line(self, line: str, by: str) -> CutDone:
        return self._cut(line=line, by=by)

    def cut_everything(self, by: str) -> CutDone:
        return self._cut(everything=True, by=by)

    def freeze(self, session: str, by: str) -> str | None:
        """Lets nothing of this session move. Returns why it stands still (`gate/freeze.py`)."""
        return self._press("freeze", session, by)

    def resume(self, session: str, by: str) -> str | None:
        """Lets the button go. Returns why the session stands still all the same, or None."""
        return self._press("resume", session, by)

    def wake(self) -> None:
        self._ask({"verb": "wake"})

    def status(self) -> dict[str, Any]:
        return self._ask({"verb": "status"})

    def _press(self, verb: str, session: str, by: str) -> str | None:
        why: str | None = self._ask({"verb": verb, "session": session, "by": by})["frozen"]
        return why

    def _cut(self, **what: object) -> CutDone:
        answer = self._ask({"verb": "cut", **what})
        return CutDone(answer["latch"], tuple(answer["ended"]), answer["milliseconds"])

    def _ask(self, message: dict[str, object]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(self.timeout)
                connection.connect(str(self.path))
                connection.sendall(json.dumps(message).encode() + b"\n")
                line = connection.makefile("rb").readline(1 << 20)
        except OSError as error:
            raise GateUnreachable(str(error)) from error
        if not line.endswith(b"\n"):
            raise GateUnreachable("the gate closed the connection without an answer")
        answer: dict[str, Any] = json.loads(line)
        if not answer.get("ok"):
            raise GateRefused(answer.get("error", "unknown"), answer.get("ja", ""), answer.get("en", ""))
        return answer
