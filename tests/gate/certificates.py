"""Terminals' certificates, right and wrong."""

import subprocess
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path


@dataclass
class TerminalFiles:
    """A PC's private key and the certificate it offers."""

    private: Path
    certificate: Path


def certify(
    authority: Path,
    private: Path,
    name: str,
    *,
    serial: int = 7,
    principals: list[str] | None = None,
    valid: timedelta = timedelta(hours=1),
    networks: list[str] | None = None,
    force_command: str | None = None,
) -> TerminalFiles:
    """A certificate of `authority` for a terminal's key, beside that key; right unless told otherwise."""
    until = time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() + valid.total_seconds()))
    since = time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() - 7200))
    copy = private.with_name(f"cert-{time.monotonic_ns():x}")
    copy.with_suffix(".pub").write_text(Path(f"{private}.pub").read_text())
    options = ["-O", "clear", "-O", "permit-pty"]
    addresses = ["127.0.0.0/8"] if networks is None else networks
    options += ["-O", f"source-address={','.join(addresses)}"] if addresses else []
    options += ["-O", f"force-command={force_command}"] if force_command else []
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-I", name, "-z", str(serial), "-V", f"{since}:{until}",
         "-n", ",".join(principals or [name]), *options, str(copy.with_suffix(".pub"))],
        check=True,
    )  # fmt: skip
    return TerminalFiles(private, Path(f"{copy}-cert.pub"))
