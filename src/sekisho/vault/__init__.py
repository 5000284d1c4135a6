"""The vault (保管庫): what a passage leaves behind, kept byte for byte. Today: recordings of sessions.

Owns the recording's framed format, its chunk digests, its reading, the terminal text made from it.

Must never: change a byte once written, or give a recording to a caller that has not left evidence of it.
"""
