"""What docs/*/target.md tells a target's administrator to write does what it says, on a real sshd."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.town import SSHD, account, eventually, free_port, keygen, listening

DOCS = Path(__file__).parents[2] / "docs"
GATE_ADDRESS, MAINTENANCE_ACCOUNT = "192.0.2.10", "hosyu"


def documented_block(language: str) -> str:
    """The lines for sshd_config, as the page shows them."""
    text = (DOCS / language / "target.md").read_text("utf-8")
    return "\n".join(
        line.strip() for line in re.findall(r"```\n(   Match User.*?)```", text, re.DOTALL)[0].split("\n")
    )


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plays the gate's CA."""
    return keygen(tmp_path_factory.mktemp("ca") / "gate-ca")


@pytest.fixture(params=["ja", "en"])
def target(request: pytest.FixtureRequest, tmp_path: Path, ca: Path) -> Iterator[int]:
    """The port of a sshd told what the page says; this machine is the gate, this account the one maintained."""
    block = documented_block(request.param)
    assert f"Match User {MAINTENANCE_ACCOUNT}" in block
    block = block.replace(MAINTENANCE_ACCOUNT, account()).replace(GATE_ADDRESS, "127.0.0.1")
    block = block.replace("/etc/ssh/sekisho-gate-ca.pub", f"{ca}.pub")
    with running_sshd(tmp_path, block) as port:
        yield port


@contextmanager
def running_sshd(folder: Path, block: str) -> Iterator[int]:
    """A plain sshd on loopback with `block` at the end of its configuration, where the page says to put it."""
    port = free_port()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {keygen(folder / 'host-key')}\nPidFile none\n"
        f"StrictModes no\nPermitRootLogin yes\n{block}\n"
    )
    with (folder / "log").open("wb") as log:
        sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        eventually(lambda: listening(port), what="sshd listens")
        yield port
    finally:
        sshd.kill()
        sshd.wait()


def certified(folder: Path, ca: Path, principal: str) -> Path:
    """A key with a certificate for `principal`, signed by `ca`."""
    key = keygen(folder / f"key-{principal}-{ca.name}")
    command = ["ssh-keygen", "-q", "-s", ca, "-I", "sekisho session=x operator=y", "-n", principal]
    subprocess.run([*command, "-V", "-5m:+5m", f"{key}.pub"], check=True)
    return key


def gets_in(target: int, key: Path, source: str = "127.0.0.1", options: tuple[str, ...] = ()) -> bool:
    """Whether a plain ssh with this key runs a command on the target, coming from `source`."""
    command = ["ssh", "-F", "none", "-p", str(target), "-i", str(key), "-b", source, *options]
    quiet = [
        "StrictHostKeyChecking=no",
        "UserKnownHostsFile=/dev/null",
        "BatchMode=yes",
        "IdentitiesOnly=yes",
    ]
    command += [word for option in quiet for word in ("-o", option)]
    done = subprocess.run(
        [*command, f"{account()}@127.0.0.1", "echo inside"],
        env={key: value for key, value in os.environ.items() if key != "SSH_AUTH_SOCK"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.stdout == b"inside\n"


@pytest.mark.e2e
def test_the_gates_certificate_opens_the_target_and_nothing_else_does(
    target: int, ca: Path, tmp_path: Path
) -> None:
    """The gate gets in. Another principal, another CA, a bare key, another address do not."""
    mine = certified(tmp_path, ca, account())
    assert gets_in(target, mine)
    assert not gets_in(target, certified(tmp_path, ca, "somebody-else"))
    assert not gets_in(target, certified(tmp_path, keygen(tmp_path / "other-ca"), account()))
    assert not gets_in(target, keygen(tmp_path / "bare"))
    assert not gets_in(target, mine, source="127.0.0.2")


@pytest.mark.e2e
def test_the_target_refuses_forwarding_by_itself(target: int, ca: Path, tmp_path: Path) -> None:
    """What the gate refuses, the target would refuse too: a forwarding that must succeed ends the client."""
    mine = certified(tmp_path, ca, account())
    forward = ("-o", "ExitOnForwardFailure=yes", "-R", "127.0.0.1:0:127.0.0.1:9")
    assert not gets_in(target, mine, options=forward)
