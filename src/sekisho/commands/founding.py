"""`init` and `migrate`: a new installation's folder, its keys, its database."""

import os
import secrets
from argparse import Namespace
from dataclasses import fields
from pathlib import Path

from sekisho.commands.shell import USAGE, Commands, fail, option, say, set_up_django
from sekisho.kernel.installation import DEMO_MARK, Installation, Options
from sekisho.kernel.text import Text

FOLDERS = ("keys", "evidence", "recordings", "gate", "run", "static")
SSH_KEYS = {
    "terminal-ca": "certifies registered terminals",
    "gate-ca": "certifies the gate to its targets",
    "gate-host-key": "what operators' ssh sees of the gate",
    "gate-sign-key": "lets signs know the gate's heartbeats",
    "gate-target-key": "for old targets that cannot trust a CA",
}
"""Key files and what each is for. Each has its public half beside it, in `.pub`."""


def found(home: Path, options: Options, *, demo: bool = False) -> Installation:
    """Makes the folder of a new installation: settings, keys, empty folders. FileExistsError where it is not empty.

    Every folder is 0700, every private key 0600: one account owns it all until `deploy/` divides it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(home.iterdir()):
        raise FileExistsError(home)
    made = Installation(home, options, demo)
    for folder in FOLDERS:
        (home / folder).mkdir(mode=0o700)
    if demo:
        (home / DEMO_MARK).write_text("Made by the demo, for the demo. Nothing here is secret.\n")
    _write_keys(made)
    _write(home / "sekisho.toml", _settings_file(options), 0o600)
    return made


def _write_keys(made: Installation) -> None:
    from sekisho.evidence.note import Signer

    for name, purpose in SSH_KEYS.items():
        private, public = _new_ssh_key(f"sekisho {name}: {purpose}")
        _write(made.keys / name, private, 0o600)
        _write(made.keys / f"{name}.pub", public, 0o644)
    signer = Signer.generate(made.options.log_origin)
    _write(made.keys / "log-signing-key", f"{signer}\n", 0o600)
    _write(made.keys / "log-signing-key.pub", f"{signer.verifier}\n", 0o644)
    _write(made.keys / "web-secret", secrets.token_urlsafe(64) + "\n", 0o600)


def _new_ssh_key(comment: str) -> tuple[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    return private, f"{public} {comment}\n"


def _write(path: Path, text: str, mode: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        stream.write(text)


def _settings_file(options: Options) -> str:
    lines = [
        "# 関所の設定。変えたら各部を再起動してください。意味は docs/ja/install.md に。",
        "# Sekisho's settings. Restart its parts after a change. What each means: docs/en/install.md.",
        "",
    ]
    for field in fields(Options):
        value = getattr(options, field.name)
        escaped = f'"{value}"' if isinstance(value, str) else str(value)
        lines.append(f"{field.name} = {escaped}")
    return "\n".join(lines) + "\n"


def add_to(commands: Commands) -> None:
    text = Text("新しい設置フォルダーを作る。", "Make a new installation.")
    parser = commands.add("init", text, _init, home=False)
    plain = Options()
    option(parser, "home", "新しいフォルダー。", "A folder that is new or empty.", type=Path)
    option(parser, "--host-name", "画面のホスト名。", "The console's host name.", default=plain.host_name)
    option(
        parser,
        "--database",
        "sqlite か postgresql://利用者@ホスト/名前。",
        "sqlite, or a PostgreSQL URL.",
        default=plain.database,
    )
    option(
        parser,
        "--behind-https",
        "TLSを担う nginx の後ろに置く。",
        "A proxy terminates TLS.",
        action="store_true",
    )
    option(parser, "--web-port", "画面のポート。", "The console's port.", type=int, default=plain.web_port)
    option(
        parser,
        "--gate-address",
        "関門が待ち受けるアドレス。",
        "Where the gate listens.",
        default=plain.gate_address,
    )
    option(parser, "--gate-port", "関門のポート。", "The gate's port.", type=int, default=plain.gate_port)
    option(parser, "--gate-name", "関門の名前。", "The gate's name.", default=plain.gate_name)
    option(parser, "--log-origin", "証跡ログの名前。", "The log's name. Default: HOST_NAME/log-1")
    text = Text("データベースを今の版に合わせる。", "Bring the database to this version.")
    commands.add("migrate", text, _migrate_command)


def _init(arguments: Namespace) -> None:
    options = Options(
        host_name=arguments.host_name,
        web_port=arguments.web_port,
        web_scheme="https" if arguments.behind_https else "http",
        gate_address=arguments.gate_address,
        gate_port=arguments.gate_port,
        gate_name=arguments.gate_name,
        database=arguments.database,
        log_origin=arguments.log_origin or f"{arguments.host_name}/log-1",
    )
    _require_sane(options)
    try:
        found(arguments.home, options)
    except FileExistsError:
        fail(
            Text(
                f"{arguments.home} は空ではありません。新しいフォルダーを指定してください。何も変えていません。",
                f"{arguments.home} is not empty. Name a new folder. Nothing was changed.",
            ),
            USAGE,
        )
    migrate(arguments.home)
    say(
        Text(
            f"{arguments.home} に設置しました。次: sekisho import 書類フォルダー、sekisho person add、sekisho up\n"
            f"監査人に渡す証跡ログの公開鍵: {arguments.home}/keys/log-signing-key.pub",
            f"Installed at {arguments.home}. Next: sekisho import FOLDER, sekisho person add, sekisho up\n"
            f"The evidence log's public key, for auditors: {arguments.home}/keys/log-signing-key.pub",
        )
    )


def _migrate_command(arguments: Namespace) -> None:
    migrate(arguments.home)
    say(Text("データベースは最新です。", "The database is up to date."))


def migrate(home: Path) -> None:
    """Applies what migrations wait; ends the command where the database cannot be reached."""
    set_up_django(home)
    from django.core.management import call_command
    from django.db import OperationalError

    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as error:
        fail(
            Text(
                "データベースに接続できません。直してから sekisho migrate を実行してください。",
                f"The database cannot be reached; mend that, then run `sekisho migrate`: {error}",
            )
        )


def is_ip_address(host: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _require_sane(options: Options) -> None:
    """Refuses what no later step could mend: names that end up in keys and in people's authenticators."""
    if is_ip_address(options.host_name):
        fail(
            Text(
                "画面のホスト名に IP アドレスは使えません(生体認証 WebAuthn は名前を必要とします)。",
                "The console's host name cannot be an IP address: WebAuthn needs a name.",
            ),
            USAGE,
        )
    values = "".join(str(getattr(options, field.name)) for field in fields(Options))
    if any(character in '"\\+' or character.isspace() for character in values):
        fail(
            Text(
                "設定に空白、引用符、+、\\ は使えません。",
                "Settings hold no blanks, quotation marks, plus signs or backslashes.",
            ),
            USAGE,
        )
