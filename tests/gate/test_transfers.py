"""Which commands are recognised as file copies."""

import pytest

from sekisho.gate.transfers import copier


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (b"scp -f /etc/passwd", "scp"),
        (b"scp -r -p -t .", "scp"),
        (b"/usr/bin/scp -pf x", "scp"),
        (b"rsync --server -vlogDtpre.iLsfxC . /tmp", "rsync"),
        (b"cd /; sftp-server", "sftp-server"),
        (b"/usr/lib/openssh/sftp-server", "sftp-server"),
        (b"sz file", "sz"),
        (b"rz", "rz"),
        (b"ls -l", None),
        (b"cat scp.log", None),
        (b"echo rsync", None),
    ],
)
def test_copiers(command: bytes, name: str | None) -> None:
    """The copying programs in the forms in which clients call them; ordinary commands are left alone."""
    found = copier(command)
    assert found == name
