"""The commands of `sekisho`, one theme a file; `cli.py` gathers them.

Must never: decide (they call verbs of the rooms), or let `cut` and `verify` depend on Django.
"""
