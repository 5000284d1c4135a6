"""`python -m sekisho.worker`: the worker as a process of its own."""

import os
import signal
import sys
import threading

import django

from sekisho.evidence.log import LogError
from sekisho.kernel.installation import BadInstallation


def main() -> int:
    """Works until SIGTERM or SIGINT; then takes what waits and ends. The exit status: 1 when it cannot work."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sekisho.settings")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        django.setup()
        from sekisho.worker.main import run

        run(stop)
    except LogError as error:
        sys.stderr.write(f"{error.text.ja}\n{error.text.en}\n")
        return 1
    except BadInstallation as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
