"""`doctor`: looks an installation over and says, for each thing found, how to mend it."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from sekisho.commands.findings import Finding, Level
from sekisho.commands.shell import REFUSED, Commands, installation, set_up_django, write
from sekisho.kernel.text import Text

SIGNS = {Level.GOOD: "✓", Level.CARE: "!", Level.WRONG: "✗"}


def add_to(commands: Commands) -> None:
    text = Text("設置の具合を調べ、直し方を言う。", "Check an installation; say how to mend it.")
    commands.add("doctor", text, _doctor)


def _doctor(arguments: Namespace) -> None:
    levels: list[Level] = []
    for finding in look(arguments.home):
        levels.append(finding.level)
        _show(finding)
    wrong, care = levels.count(Level.WRONG), levels.count(Level.CARE)
    write(f"誤り {wrong} 件、注意 {care} 件。 {wrong} wrong, {care} to watch.")
    if wrong:
        raise SystemExit(REFUSED)


def look(home: Path) -> Iterator[Finding]:
    """All findings of the installation at `home`: first what needs no database, then the rest."""
    from sekisho.commands import look_machine, look_register

    found = installation(home)
    for check in look_machine.CHECKS:
        yield from check(found)
    set_up_django(home)
    for check in look_register.CHECKS:
        yield from check(found)


def _show(finding: Finding) -> None:
    write(f"{SIGNS[finding.level]} {finding.what.ja}  /  {finding.what.en}")
    if finding.mend:
        write(f"    直し方: {finding.mend.ja}")
        write(f"    Mend:   {finding.mend.en}")
