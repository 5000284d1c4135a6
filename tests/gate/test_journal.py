"""The gate's journal: on disk before it is acted on, handed over in order, exactly once in effect."""

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sekisho.gate.journal import Journal, JournalFailed

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_entries_survive_a_restart_in_order(tmp_path: Path) -> None:
    """What was appended and not handed over is pending after a restart, in the order in which it happened."""
    journal = Journal(tmp_path)
    for number in range(5):
        journal.append("note", {"number": number}, NOW)
    journal.handed_over(journal.pending()[0])
    journal.close()
    assert [entry.args["number"] for entry in Journal(tmp_path).pending()] == [1, 2, 3, 4]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    """A line cut short by a crash was never acted on; the whole ones before it stay."""
    journal = Journal(tmp_path)
    journal.append("note", {"number": 1}, NOW)
    journal.close()
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'["0199", "2026-')
    again = Journal(tmp_path)
    assert [entry.args["number"] for entry in again.pending()] == [1]
    again.append("note", {"number": 2}, NOW)
    again.close()
    assert [entry.args["number"] for entry in Journal(tmp_path).pending()] == [1, 2]


def test_an_emptied_journal_starts_anew(tmp_path: Path) -> None:
    """When all is handed over the file is emptied, and the next entries are pending again after a restart."""
    journal = Journal(tmp_path)
    entry = journal.append("note", {}, NOW)
    journal.handed_over(entry)
    assert (tmp_path / "journal").stat().st_size == 0
    journal.append("note", {"number": 2}, NOW)
    journal.close()
    assert [entry.args for entry in Journal(tmp_path).pending()] == [{"number": 2}]


def test_a_crash_between_mark_and_truncation_repeats_but_loses_nothing(tmp_path: Path) -> None:
    """Entries may be handed over twice (their ids make that harmless), never not at all."""
    journal = Journal(tmp_path)
    entry = journal.append("note", {}, NOW)
    journal.close()
    (tmp_path / "journal.handed-over").write_text("0")
    assert [each.id for each in Journal(tmp_path).pending()] == [entry.id]


def test_a_full_disk_leaves_room_for_the_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write that fails gives up the ballast and succeeds; when even that fails, everybody is told."""
    journal = Journal(tmp_path)
    assert (tmp_path / "ballast").stat().st_size > 0
    real, full = os.write, {"times": 1}

    def write(file: int, data: bytes) -> int:
        if full["times"] > 0:
            full["times"] -= 1
            raise OSError(errno.ENOSPC, "full")
        return real(file, data)

    monkeypatch.setattr(os, "write", write)
    journal.append("note", {"last": "words"}, NOW)
    assert not (tmp_path / "ballast").exists()
    full["times"] = 99
    with pytest.raises(JournalFailed):
        journal.append("note", {}, NOW)
    assert journal.failed
    full["times"] = 0
    with pytest.raises(JournalFailed):
        journal.append("note", {}, NOW)
    journal.close()
    assert [entry.args for entry in Journal(tmp_path).pending()] == [{"last": "words"}]


_WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sekisho.gate.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100000):
    journal.append("note", {"number": number}, datetime.now(UTC))
    print(number, flush=True)
"""


def test_kill_at_any_moment_loses_no_entry_that_was_acknowledged(tmp_path: Path) -> None:
    """`kill -9` in the middle of appending, ten times: what was acknowledged is there, without a gap."""
    for round_number in range(10):
        folder = tmp_path / str(round_number)
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        seen = -1
        for _ in range(5 + 13 * round_number):
            seen = int(writer.stdout.readline())
        writer.kill()
        rest = writer.stdout.read().split("\n")
        writer.wait()
        seen = max([seen, *(int(line) for line in rest[:-1] if line)])
        numbers = [entry.args["number"] for entry in Journal(folder).pending()]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > seen
