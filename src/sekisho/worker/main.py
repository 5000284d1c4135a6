"""The worker's loop: sequences evidence as it comes, and looks after what nobody else ends."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType

from django.conf import settings
from django.db import connection

from sekisho.access.attending import sweep_attendings
from sekisho.access.emergency import sweep_emergencies
from sekisho.access.gateway import sweep_lost_leases
from sekisho.evidence.log import LogError
from sekisho.evidence.sequencer import Sequencer
from sekisho.worker.archivist import Archivist

LOOK_SECONDS = 0.2
"""How long a record may wait when its knock on the socket was lost."""
SWEEP_SECONDS = 1.0
PAUSE_SECONDS = 0.5
"""After a failure, so that a full disk does not fill the journal as well."""

SWEEPS: tuple[Callable[[datetime], object], ...] = (
    sweep_lost_leases,
    sweep_attendings,
    sweep_emergencies,
)
"""What has to be looked at again and again, each with the present moment. One that fails stops no other."""

logger = logging.getLogger(__name__)


class Doorbell:
    """The socket on which a commit knocks. Knocks carry nothing and may be lost: the outbox is the truth."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o660)

    def wait(self, seconds: float) -> None:
        """Until somebody knocks, at most `seconds`. Further knocks of the same moment are taken with it."""
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(16)
            self._socket.setblocking(False)
            while self._socket.recv(16):
                pass
        except (TimeoutError, BlockingIOError):
            return

    def __enter__(self) -> "Doorbell":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def run(stop: threading.Event) -> None:
    """Works until `stop` is set, then takes what is left in the outbox. Django is already set up.

    Raises `log.LogError` (LogInUse: a worker is running already; LogContradicted: the files were changed)
    and BadInstallation. Disk and database may fail and come back meanwhile: it goes on trying.
    """
    with closing(Sequencer(settings.SEKISHO)) as sequencer, Doorbell(settings.SEKISHO.worker_socket) as bell:
        Archivist(stop).start()
        logger.info("the worker is ready")
        next_sweep = 0.0
        while not stop.is_set():
            _attempt(sequencer.drain)
            if time.monotonic() >= next_sweep:
                next_sweep = time.monotonic() + SWEEP_SECONDS
                for sweep in SWEEPS:
                    _attempt(partial(sweep, datetime.now(UTC)))
            bell.wait(LOOK_SECONDS)
        _attempt(sequencer.drain)


def _attempt(work: Callable[[], object]) -> None:
    try:
        work()
    except LogError:
        raise
    except Exception:
        # Disk full, database stopped: nothing is lost, the outbox keeps it. A fresh connection next time.
        logger.exception("the worker could not finish a task and tries again")
        connection.close()
        time.sleep(PAUSE_SECONDS)
