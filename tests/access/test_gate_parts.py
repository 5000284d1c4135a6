"""Parts of the gate held to their promises without a gate: what leaves no trace, what slips through."""

from pathlib import Path

import pytest

from sekisho.gate.terminal_guard import TerminalGuard
from sekisho.vault.cast import Screen
from sekisho.vault.format import Kind
from sekisho.vault.masking import typed_lines
from sekisho.vault.reader import Reader
from sekisho.vault.search import search
from tests.vault.making import recording


@pytest.mark.parametrize(
    "introducer", [b"\xc2\x1b]", b"\xc2\xc2\x9d", b"\x1b\xc2\x9d", b"\x1b\x7f]", b"\xe3\x81\xc2\x1b]"]
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_broken_character_hides_no_clipboard_write(introducer: bytes, whole: bool) -> None:
    """A terminal takes up the sequence after a broken character, inside an escape, after a DEL: so does the guard."""
    data, guard = b"before" + introducer + b"52;c;c2VjcmV0\x07after", TerminalGuard("utf-8")
    pieces = [data] if whole else [data[at : at + 1] for at in range(len(data))]
    out = b"".join(map(guard.feed, pieces)) + guard.flush()
    assert b"c2VjcmV0" not in out
    assert out.endswith(b"after")
    assert guard.stripped == [52]


@pytest.mark.parametrize("charset", ["utf-8", "shift_jis"])
def test_a_command_is_seen_listed_and_found(tmp_path: Path, charset: str) -> None:
    """What a client asked to run instead of a shell is on the screen, among the lines typed, and in the search."""
    data = "印鑑 --all".encode(charset)
    path = recording(
        tmp_path / "r", [(1.0, Kind.COMMAND, data), (2.0, Kind.OUTPUT, b"done\r\n")], charset, None
    )
    with Reader(path) as reader:
        frames = list(reader.frames())
        assert frames[0].data == data
        assert [line.text for line in typed_lines(frames, charset)] == ["印鑑 --all"]
        events = list(Screen(reader.header).events(frames))
    assert events[0][2] == "$ 印鑑 --all\r\n"
    assert search(events, "印鑑")
