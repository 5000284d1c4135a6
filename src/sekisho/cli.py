"""The command line: every verb an administrator needs without a browser."""


def main() -> None:
    raise NotImplementedError
