"""The gate (関門): the SSH gateway, a process of its own.

Owns the three proofs, the relay to the target, the recorder, the monitor that alone ends a session, the
gate's own journal and latches (readable with the database down), and the control socket.

Must never: forward a byte that is not recorded, hand an operator any credential of a target, load an SSH
configuration file, keep a session whose lease it cannot prove, or need the console to cut.
"""
