"""Recognises commands that exist to copy files. Pure.

A refusal of habit, not a boundary: whoever may run commands on the target may also print a file, and every
byte of that is in the recording. What this keeps out is the unthinking `scp` and `rsync`, so that a file
that does leave was carried out on purpose and seen.
"""

import re

_COPIER = re.compile(
    rb"(?:^|[\s;&|(`/])(scp(?=\s(?:.*\s)?-[a-zA-Z]*[tf])|rsync(?=\s(?:.*\s)?--server)|sftp-server|[sr]z|trz|tsz)(?:\s|$)"
)


def copier(command: bytes) -> str | None:
    """The name of the copying program that `command` would run, or None."""
    match = _COPIER.search(command)
    return match[1].decode("ascii") if match else None
