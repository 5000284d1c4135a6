"""`doctor` without the database: names, keys, clock, disk, and whether the parts answer. Mends nothing itself."""

import os
import shutil
import socket
import stat
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from sekisho.commands.findings import Check, Finding, Findings, care, good, wrong
from sekisho.commands.founding import FOLDERS, SSH_KEYS, is_ip_address
from sekisho.kernel.installation import Installation

GIB = 1 << 30
LOW_DISK, NO_DISK = 10 * GIB, GIB
NOT_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that shows less was never set."""


def host_name(installation: Installation) -> Findings:
    """WebAuthn binds every authenticator to this name (WebAuthn level 2, section 5.1.2: a valid domain string)."""
    name, https = installation.options.host_name, installation.options.web_scheme == "https"
    mend = (
        "sekisho.toml の host_name を市の DNS 名にしてください。変えると登録済みの認証器は使えなくなります。",
        "Set host_name in sekisho.toml to a DNS name of the city's. Changing it voids enrolled authenticators.",
    )
    if is_ip_address(name):
        yield wrong((f"ホスト名が IP アドレスです: {name}", f"The host name is an IP address: {name}"), mend)
    elif name != name.lower() or not name.strip() or "/" in name or ":" in name:
        yield wrong((f"ホスト名の形が違います: {name}", f"That is no host name: {name!r}"), mend)
    elif name != "localhost" and not https:
        yield wrong(
            (f"{name} が https ではありません。", f"{name} is served without https."),
            (
                'web_scheme = "https" にし、deploy/nginx.conf の例のように TLS を前に置いてください。',
                'Set web_scheme = "https" and put TLS in front, as in deploy/nginx.conf: '
                "browsers offer no authenticator otherwise.",
            ),
        )
    else:
        yield good(f"ホスト名 {name}", f"Host name {name}")
    loopback = installation.options.web_address in ("127.0.0.1", "::1", "localhost")
    if not loopback:
        yield wrong(
            ("画面が外に直接開いています。", "The console itself listens beyond this machine."),
            (
                'web_address = "127.0.0.1" にし、外には nginx だけを出してください。',
                'Set web_address = "127.0.0.1"; only the proxy faces the network.',
            ),
        )


def keys(installation: Installation) -> Findings:
    """Every key is there, fits its public half, and is readable only by those who need it."""
    from sekisho.evidence.note import BadNote, Signer

    found = list(_folders(installation)) + list(_key_files(installation))
    yield from found
    try:
        signer = Signer.parse((installation.keys / "log-signing-key").read_text("ascii"))
        if signer.name != installation.options.log_origin:
            yield wrong(
                ("証跡ログの名前と鍵の名前が違います。", "The evidence log's name is not its key's name."),
                (
                    f'sekisho.toml の log_origin を "{signer.name}" に戻してください。',
                    f'Set log_origin = "{signer.name}" in sekisho.toml again.',
                ),
            )
            return
    except (OSError, BadNote, ValueError):
        pass  # said above, or below where it is the content that is wrong
    if not found:
        yield good(
            "鍵はそろっていて、他人には読めません。", "All keys are there and nobody else can read them."
        )


def _folders(installation: Installation) -> Findings:
    for name in FOLDERS:
        path = installation.home / name
        if not path.is_dir():
            yield wrong(
                (f"フォルダーがありません: {path}", f"A folder is missing: {path}"),
                (f"mkdir -m 700 {path}", f"mkdir -m 700 {path}"),
            )
        elif path.stat().st_mode & stat.S_IRWXO:
            yield wrong(
                (f"誰でも入れるフォルダーです: {path}", f"Anybody may enter {path}"),
                (f"chmod o= {path}", f"chmod o= {path}"),
            )


def _key_files(installation: Installation) -> Findings:
    for name in ("web-secret", "log-signing-key", *SSH_KEYS):
        path = installation.keys / name
        restore = (
            "控え(バックアップ)から戻してください。作り直すと、これまでの証明書や署名とつながらなくなります。",
            "Restore it from the backup. A new one would not continue the certificates and signatures so far.",
        )
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            yield wrong((f"鍵がありません: {path}", f"A key is missing: {path}"), restore)
            continue
        except PermissionError:
            yield _may_not_look(path)
            continue
        exposed = mode & (stat.S_IRWXO | (0 if name == "web-secret" else stat.S_IWGRP))
        if exposed:
            yield wrong(
                (
                    f"鍵の権限が広すぎます: {path} ({mode & 0o777:o})",
                    f"{path} is open to others ({mode & 0o777:o})",
                ),
                (f"chmod o=,g-w {path}", f"chmod o=,g-w {path}"),
            )
        if name in SSH_KEYS and os.access(path, os.R_OK) and not _is_pair(path):
            yield wrong(
                (f"鍵と公開鍵が対になっていません: {path}", f"{path} and its .pub are not a pair"), restore
            )


def _is_pair(path: Path) -> bool:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    try:
        key = load_ssh_private_key(path.read_bytes(), None)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return path.with_name(path.name + ".pub").read_bytes().split()[:2] == public.split()
    except (OSError, ValueError, TypeError):
        return False


def _may_not_look(path: Path) -> Finding:
    return care(
        (f"{path} を調べる権限がありません。", f"No permission to look at {path}."),
        ("sudo を付けて実行してください。", "Run this with sudo."),
    )


def clock(installation: Installation) -> Findings:
    """Windows, certificates and evidence all speak of time."""
    latest = max(
        (path.stat().st_mtime for path in (installation.evidence / "checkpoint",) if path.exists()),
        default=0.0,
    )
    if time.time() < max(latest - 1, NOT_BEFORE.timestamp()):
        yield wrong(
            (
                "時計が遅れています。最後の証跡より前です。",
                "The clock is behind the last evidence, or plainly wrong.",
            ),
            (
                "時刻を合わせてから動かしてください: timedatectl",
                "Set the time before anything else: timedatectl",
            ),
        )
        return
    synchronised = _ntp_synchronised()
    if synchronised is None:
        yield care(
            ("時計の同期を確かめられません。", "Whether the clock is synchronised cannot be told here."),
            ("chrony か systemd-timesyncd を使ってください。", "Use chrony or systemd-timesyncd."),
        )
    elif not synchronised:
        yield wrong(
            ("時計が同期していません。", "The clock is not synchronised."),
            (
                "timedatectl set-ntp true。庁内の時刻サーバーを指定してください。",
                "timedatectl set-ntp true, with the city's own time server.",
            ),
        )
    else:
        yield good("時計は同期しています。", "The clock is synchronised.")


def _ntp_synchronised() -> bool | None:
    if shutil.which("timedatectl") is None:
        return None
    asked = subprocess.run(
        ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return asked.stdout.strip() == "yes" if asked.returncode == 0 else None


def disk(installation: Installation) -> Findings:
    """A full disk ends every session: nothing is forwarded that cannot be recorded."""
    seen: set[int] = set()
    for folder in (installation.home, installation.evidence, installation.recordings, installation.gate):
        if not folder.is_dir() or (device := folder.stat().st_dev) in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(folder).free
        mend = (
            "容量を増やすか、保存期間の過ぎた記録を手順に従って処分してください。",
            "Add space, or dispose of recordings whose retention has ended.",
        )
        said = (f"空き {free / GIB:.1f} GiB: {folder}", f"{free / GIB:.1f} GiB free at {folder}")
        if free < NO_DISK:
            yield wrong(said, mend)
        elif free < LOW_DISK:
            yield care(said, mend)
        else:
            yield good(*said)


def gate(installation: Installation) -> Findings:
    """Without the gate's socket the city's switch does not work."""
    from sekisho.access.control import GateClient, GateRefused, GateUnreachable

    try:
        answer = GateClient(installation.gate_socket, timeout=3).status()
    except (GateUnreachable, GateRefused) as error:
        if isinstance(error.__cause__, PermissionError):
            yield _may_not_look(installation.gate_socket)
            return
        yield care(
            ("関門が動いていません(応答がありません)。", f"The gate is not running (no answer): {error}"),
            (
                "sekisho up、または systemctl start sekisho-gate",
                "sekisho up, or systemctl start sekisho-gate",
            ),
        )
        return
    if answer["database"] and answer.get("ready", True):
        yield good("関門は応答しています。", "The gate answers.")
    else:
        yield wrong(
            ("関門はデータベースに届いていません。", "The gate does not reach the database."),
            ("データベースと関門の記録を見てください。", "Look at the database and at the gate's log."),
        )


def console(installation: Installation) -> Findings:
    options = installation.options
    try:
        with socket.create_connection((options.web_address, options.web_port), timeout=3):
            yield good("画面は応答しています。", "The console answers.")
    except OSError:
        yield care(
            ("画面が動いていません。", "The console is not running."),
            ("sekisho up、または systemctl start sekisho-web", "sekisho up, or systemctl start sekisho-web"),
        )


def worker(installation: Installation) -> Findings:
    """Without the worker evidence waits in the database, where it is not yet protected."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knock:
        try:
            knock.connect(str(installation.worker_socket))
        except PermissionError:
            yield _may_not_look(installation.worker_socket)
        except OSError:
            yield care(
                ("常駐処理が動いていません。", "The worker is not running."),
                (
                    "sekisho up、または systemctl start sekisho-worker",
                    "sekisho up, or systemctl start sekisho-worker",
                ),
            )
        else:
            yield good("常駐処理は動いています。", "The worker is running.")


CHECKS: tuple[Check, ...] = (host_name, keys, clock, disk, gate, worker, console)
