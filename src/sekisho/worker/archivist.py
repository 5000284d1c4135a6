"""Packs recordings of ended sessions and reports on jobs, beside the worker: evidence must never wait for them."""

import logging
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import connection

from sekisho.access.jobs import sweep_job_reports
from sekisho.access.reading import recording_of
from sekisho.access.recordings import finished, settle

LOOK_SECONDS = 2.0
"""A moment for whoever watched the session to see its end first; nobody waits for a packed recording."""

logger = logging.getLogger(__name__)


class Archivist(threading.Thread):
    """Runs until `stop` is set. What it was doing then is done again at the next start."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(name="archivist", daemon=True)
        self._stop_asked = stop
        self._altered: set[UUID] = set()

    def run(self) -> None:
        while not self._stop_asked.wait(LOOK_SECONDS):
            try:
                self.settle_finished()
                sweep_job_reports(datetime.now(UTC))
            except Exception:
                # Disk full, database stopped: the recordings stay as they are and wait.
                logger.exception("recordings could not be packed; trying again")
                connection.close()
        connection.close()

    def settle_finished(self) -> None:
        """One look at everything that is finished."""
        for session in finished():
            if self._stop_asked.is_set():
                return
            if session.id in self._altered:
                continue
            if not settle(session, recording_of(session), self._build_index, datetime.now(UTC)):
                logger.error("the recording of session %s is not as it was registered", session.id)
                self._altered.add(session.id)

    def _build_index(self, recording: Path) -> None:
        """In a process of its own: drawing a long session is minutes of work and would hold up this one."""
        command = [sys.executable, "-m", "sekisho.vault.keyframes", str(recording)]
        with subprocess.Popen(command, cwd=settings.SEKISHO.home) as child:
            while child.poll() is None:
                if self._stop_asked.wait(0.1):
                    child.terminate()
        if child.returncode:
            logger.warning("no pictures for %s: replay begins at its start", recording.name)
