"""The worker (常駐処理): what happens by itself. The sequencer of the evidence log; sweeps of lost leases.

Must never: run twice on one installation (the log has a single writer, held by a lock).
"""
