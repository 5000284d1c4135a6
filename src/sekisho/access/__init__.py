"""Access (接続): permits, the decision, lines, sessions, the cut and its latch, work reports.

Owns the pure decision whether a connection may open (`rules.py`), the switch of each line, who is inside
now, and the messages between the city's surfaces and the gate (`control.py`).

Must never: let an unknown pass, reconnect through a latch, or put anything in the way of a cut.
"""
