"""The demo's target: a real sshd on loopback that trusts the demo's gate and forces a make-believe server."""

import getpass
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")
SHELL = Path(__file__).with_name("target_shell.py")


@dataclass(frozen=True, slots=True)
class DemoTarget:
    """Its folder holds host key, configuration and nothing else."""

    folder: Path
    port: int

    @property
    def account(self) -> str:
        """The account on the target: whoever runs the demo. No other could start a session without root."""
        return getpass.getuser()

    @property
    def host_key(self) -> str:
        """`type base64`, as it is registered."""
        return " ".join((self.folder / "host-key.pub").read_text().split()[:2])

    @property
    def command(self) -> list[str]:
        return [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]

    def make(self, trusted_ca: Path) -> None:
        """Writes host key and configuration. The sshd itself is started by whoever supervises."""
        self.folder.mkdir(mode=0o700)
        key = self.folder / "host-key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own requirement when root starts it
        (self.folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\n"
            f"HostKey {key}\n"
            f"PidFile none\n"
            f"TrustedUserCAKeys {trusted_ca}\n"
            f"AllowUsers {self.account}\n"
            f"AuthenticationMethods publickey\n"
            f"AuthorizedKeysFile none\n"
            f"PermitRootLogin yes\n"
            f"StrictModes no\n"
            f"UsePAM no\n"
            f"DisableForwarding yes\n"
            f"PrintMotd no\n"
            f"ForceCommand {sys.executable} -I -X utf8 {SHELL}\n"
        )
