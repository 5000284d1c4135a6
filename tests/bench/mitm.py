"""Starts ssh-mitm for the benchmark, without the second EXT_INFO that OpenSSH 9.2's client refuses.

ssh-mitm 6 sends it after the service request; OpenSSH accepts that only since 9.5, and so could not sign in
at all. Nothing that is measured passes through what is switched off here.
"""

import sys

import sshmitm.workarounds.auth_handler as workaround
from paramiko.auth_handler import AuthHandler
from sshmitm.cli import main

workaround.auth_handler_parse_service_request = AuthHandler._parse_service_request

if __name__ == "__main__":
    sys.exit(main())
