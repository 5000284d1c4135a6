"""An installation of its own for each test that needs a log, with the database of the run."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from sekisho.evidence.note import Signer
from sekisho.evidence.sequencer import Sequencer, key_path
from sekisho.kernel.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A fresh folder with a signing key; nothing of the log is there yet."""
    made = replace(settings.SEKISHO, home=tmp_path)
    for folder in (made.keys, made.run, made.recordings):
        folder.mkdir()
    key_path(made).write_text(f"{Signer.generate(made.options.log_origin)}\n")
    return made


@pytest.fixture
def sequencer(installation: Installation, db: None) -> Iterator[Sequencer]:
    opened = Sequencer(installation)
    yield opened
    opened.close()
