"""The command line: every verb an administrator needs without a browser. `sekisho --help` lists them.

Thin: each command is a function in `commands/`, which imports what it needs when it runs. `cut`, `status`
and `verify` start without Django, so that they work where database, settings and console do not.
"""

import sys
from collections.abc import Sequence

from sekisho.commands import doctor, founding, parts, register, sign, switch, verify
from sekisho.commands.shell import Commands, command_line


def build() -> Commands:
    """All commands, in the order in which `--help` shows them."""
    commands = command_line()
    for module in (founding, parts, switch, sign, register, doctor, verify):
        module.add_to(commands)
    return commands


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script `sekisho`. Ends the process with the command's exit code."""
    sys.exit(build().run(arguments))


if __name__ == "__main__":
    main()
