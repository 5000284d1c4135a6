"""The console (画面): shell, home, templates shared by all rooms, static files, the table of who may reach what.

Must never: decide. A view calls one verb of a room's `service.py` and renders what it answers.
"""
