"""`verify`: checks an exported bundle, offline, without an installation and without Django."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from sekisho.commands.shell import REFUSED, USAGE, Commands, fail, option, say, write
from sekisho.kernel.text import Text

if TYPE_CHECKING:
    from sekisho.evidence.note import Verifier
    from sekisho.evidence.verify import Verdict


def add_to(commands: Commands) -> None:
    text = Text("書き出した証跡の束を検証する。", "Verify an exported evidence bundle, offline.")
    parser = commands.add("verify", text, _verify, home=False)
    option(parser, "directory", "束のフォルダー。", "The bundle's folder.", type=Path)
    option(
        parser,
        "--key",
        "市から別の道で受け取ったログの公開鍵。",
        "The log's public key, come from the city by another way.",
        type=Path,
        metavar="FILE",
    )


def _verify(arguments: Namespace) -> None:
    from sekisho.evidence.verify import verify

    directory: Path = arguments.directory
    try:
        verdict = verify(directory, _read_key(arguments.key) if arguments.key else None)
    except OSError as error:
        fail(Text(f"{directory} を読めません。", f"{directory} cannot be read: {error}"), USAGE)
    _show(verdict)
    if not verdict.ok:
        raise SystemExit(REFUSED)


def _read_key(path: Path) -> "Verifier":
    from sekisho.evidence.note import BadNote, Verifier

    try:
        return Verifier.parse(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError, BadNote) as error:
        fail(
            Text(f"{path} は証跡ログの公開鍵ではありません。", f"{path} is no public key of a log: {error}"),
            USAGE,
        )


def _show(verdict: "Verdict") -> None:
    for finding in verdict.findings:
        place = f" {finding.place}" if finding.place else ""
        write(f"✗ {finding.file}{place}: {finding.text.ja}  /  {finding.text.en}")
    for remark in verdict.remarks:
        write(f"! {remark.ja}  /  {remark.en}")
    if not verdict.ok:
        count = len(verdict.findings)
        say(Text(f"検証に失敗しました: {count} 件。", f"NOT verified: {count} finding(s)."))
        return
    size = verdict.checkpoint.size if verdict.checkpoint else 0
    say(
        Text(
            f"検証できました: {verdict.about}、記録 {verdict.entries} 件、ログ全体 {size} 件の署名済み時点まで。",
            f"Verified: {verdict.about}, {verdict.entries} entries, under a signed log of {size} entries.",
        )
    )
