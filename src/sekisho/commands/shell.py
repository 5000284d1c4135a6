"""What every command shares: how it is declared, which installation, how to speak and fail, who is asking.

argparse and nothing else: what stands between the city and a cut must be small and start at once.
"""

import os
import pwd
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sekisho.kernel.installation import BadInstallation, Installation, load
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: it was refused or found wrong; it was asked wrongly; nobody answered."""

DEFAULT_HOME = "/var/lib/sekisho"
Run = Callable[[Namespace], None]


class Parser(ArgumentParser):
    """argparse, saying in both languages that it was asked wrongly."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        fail(
            Text("コマンドの指定が違います。--help で使い方を見られます。", f"{message} (see --help)"), USAGE
        )


class Commands:
    """The commands under one name: the whole of `sekisho`, or a group such as `sekisho person`."""

    def __init__(self, parser: ArgumentParser) -> None:
        self._parser = parser
        self._groups: dict[str, Commands] = {}
        self._under: Any = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)

    def add(self, name: str, text: Text, run: Run, *, home: bool = True) -> ArgumentParser:
        """Declares one command. `home`: whether it works on an installation (`--home`, SEKISHO_HOME)."""
        parser: ArgumentParser = self._under.add_parser(name, help=_help(text), description=_help(text))
        parser.set_defaults(run=run)
        if home:
            parser.add_argument(
                "--home",
                type=Path,
                default=Path(os.environ.get("SEKISHO_HOME", DEFAULT_HOME)),
                help=_help(
                    Text("設置フォルダー(SEKISHO_HOME)。", f"The installation. Default: {DEFAULT_HOME}")
                ),
            )
        return parser

    def group(self, name: str, text: Text) -> "Commands":
        group = Commands(self._under.add_parser(name, help=_help(text), description=_help(text)))
        self._groups[name] = group
        return group

    def names(self) -> list[str]:
        """Every command that can be called, groups spelt out: `cut`, `person add` …"""
        names: list[str] = []
        for name in self._under.choices:
            group = self._groups.get(name)
            names += [f"{name} {each}" for each in group.names()] if group else [name]
        return names

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """Runs the command that `arguments` (without one: the process's own) name. Its exit code."""
        chosen = self._parser.parse_args(arguments)
        chosen.run(chosen)
        return 0


def command_line() -> Commands:
    """`sekisho` itself, without any command yet."""
    title = "関所: 市の個人情報と、それを扱う受託者との間に置く関所。\n"
    title += "Sekisho: the checkpoint between a city's personal data and those it is entrusted to."
    return Commands(Parser(prog="sekisho", description=title, formatter_class=RawDescriptionHelpFormatter))


def option(parser: ArgumentParser, name: str, ja: str, en: str, **more: Any) -> None:
    """Adds an option or argument with its help in both languages."""
    parser.add_argument(name, help=_help(Text(ja, en)), **more)


@dataclass(frozen=True, slots=True)
class OsUser:
    """Who runs this command, as evidence names him."""

    name: str

    @property
    def actor(self) -> str:
        return f"os-user:{self.name}"


def asking() -> OsUser:
    """The account of this process; behind sudo, the account that called it."""
    if os.getuid() == 0 and (caller := os.environ.get("SUDO_USER")):
        return OsUser(caller)
    try:
        return OsUser(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:
        return OsUser(str(os.getuid()))


def write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say(text: Text) -> None:
    """Japanese first, then English, each on its own line."""
    write(f"{text.ja}\n{text.en}")


def fail(text: Text, code: int = REFUSED) -> NoReturn:
    """Says why on standard error and ends with `code`."""
    sys.stderr.write(f"{text.ja}\n{text.en}\n")
    raise SystemExit(code)


def fail_refused(refused: Refused) -> NoReturn:
    """Says every reason of a refusal, with its sources, and ends."""
    for reason in refused.reasons:
        places = [source.place for source in reason.sources]
        sys.stderr.write(reason.text.ja + _bracket([place.ja for place in places]) + "\n")
        sys.stderr.write(reason.text.en + _bracket([place.en for place in places]) + "\n")
    raise SystemExit(REFUSED)


def installation(home: Path) -> Installation:
    """The installation at `home`; ends the command where there is none that can be used."""
    try:
        return load(home.absolute())
    except (BadInstallation, OSError) as error:
        fail(
            Text(
                f"設置フォルダー {home} を使えません。--home か SEKISHO_HOME で指定してください。",
                f"The installation at {home} cannot be used (--home or SEKISHO_HOME names it): {error}",
            ),
            USAGE,
        )


def set_up_django(home: Path) -> Installation:
    """Starts Django on the installation at `home`, for commands that use the register."""
    found = installation(home)
    os.environ["SEKISHO_HOME"] = str(found.home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "sekisho.settings"
    import django

    try:
        django.setup()
    except OSError as error:
        fail(
            Text(
                f"設置フォルダー {home} の鍵を読めません。権限のある利用者で実行してください。",
                f"The keys at {home} cannot be read; run this as an account that may: {error}",
            ),
            USAGE,
        )
    return found


def _help(text: Text) -> str:
    return f"{text.ja} {text.en}".replace("%", "%%")


def _bracket(places: list[str]) -> str:
    return f" [{'; '.join(places)}]" if places else ""
