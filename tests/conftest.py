"""Gives every test run an installation of its own, made before Django reads its settings."""

import os
import tempfile
from pathlib import Path

_home = Path(tempfile.mkdtemp(prefix="sekisho-test-"))
for folder in ("keys", "evidence", "recordings", "gate", "run"):
    (_home / folder).mkdir(mode=0o700)
(_home / "keys" / "web-secret").write_text("only for tests, " * 4)
(_home / "sekisho.toml").write_text(
    'host_name = "localhost"\n'
    'log_origin = "test.invalid/log-1"\n'
    f'database = "{os.environ.get("SEKISHO_TEST_DATABASE", "sqlite")}"\n'
)
os.environ["SEKISHO_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "sekisho.settings"
