"""x"""

from sekisho.commands.shell import Commands


def add_to(commands: Commands) -> None:
    pass
