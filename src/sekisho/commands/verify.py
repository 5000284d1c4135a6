"""`verify`: checks an exported bundle, offline, without an installation and without Django."""


from sekisho.commands.shell import Commands


def add_to(commands: Commands) -> None:
    pass
