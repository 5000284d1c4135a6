"""Whether what a machine wants to run is, to the byte, the job that is permitted (`access/jobs.py`)."""

import asyncio
from hashlib import sha256
from typing import Any

from sekisho.access.examination import Work
from sekisho.gate.relay import OperatorSession

SCRIPT_SECONDS = 30.0
SCRIPT_BYTES = 1 << 20
"""What a job may send to be run, at most, and how long that may take."""


async def other_work(operator: OperatorSession, work: Work) -> dict[str, Any] | None:
    """What is not as it was permitted, for the record; None when it is. Nothing has reached the target yet.

    Afterwards the target hears the permitted script and nothing else.
    """
    request = operator.request
    if request.terminal is not None or request.command != work.command:
        return {"fault": "other-command"}
    if not work.script_sha256:
        operator.hear_nothing()
        return None
    try:
        async with asyncio.timeout(SCRIPT_SECONDS):
            script = await operator.everything(SCRIPT_BYTES)
    except TimeoutError:
        return {"fault": "no-script"}
    found = sha256(script).hexdigest() if script is not None else None
    return None if found == work.script_sha256 else {"fault": "other-script", "sha256": found}
