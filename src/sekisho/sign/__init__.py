"""The sign (接続表示): says in public whether anybody is connected: connected, not connected, or unknown.

Owns the heartbeat that a gate answers (`beats.py`), what a sign concludes from them (`watch.py`), the small
program for a lamp or a wall screen (`program.py`) and the page for a browser (`page/`). It knows no names:
what stands at the counter is read by everybody. It must never say "not connected" because it knows nothing.
"""
