"""What a target may write to an operator's terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.gate.terminal_guard import TerminalGuard

CLIPBOARD = b"\x1b]52;c;c2VjcmV0\x07"


def guarded(data: bytes, charset: str = "utf-8", pieces: int = 0) -> tuple[bytes, list[int]]:
    guard = TerminalGuard(charset)
    size = pieces or max(1, len(data))
    out = b"".join(guard.feed(data[at : at + size]) for at in range(0, len(data), size))
    return out + guard.flush(), guard.stripped


@pytest.mark.parametrize(
    "attack",
    [
        CLIPBOARD,
        b"\x1b]52;c;c2VjcmV0\x1b\\",
        b"\x1b]052;c;c2VjcmV0\x07",
        b"\x1b]" + b"0" * 500 + b"52;c;c2VjcmV0\x07",
        b"\x1b]5\x002;c;c2VjcmV0\x07",
        b"\x1b]\x0152;c;c2VjcmV0\x07",
        b"\x1b\x00]52;c;c2VjcmV0\x07",
        b"\x1b\x1b]52;c;c2VjcmV0\x07",
        b"\xc2\x9d52;c;c2VjcmV0\x07",
        b"\x1b]52\x07",
        b"\x1b]1337;File=inline=1:AAAA\x07",
        b"\x1b]5522;type=write\x1b\\",
        b"\x1bPtmux;\x1b\x1b]52;c;c2VjcmV0\x07\x1b\\",
    ],
)
@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_clipboard_writes_never_reach_the_terminal(attack: bytes, pieces: int) -> None:
    """However a clipboard write is spelled or cut in pieces, its payload is taken out and counted."""
    out, stripped = guarded(b"before " + attack + b" after", pieces=pieces)
    assert b"c2VjcmV0" not in out
    assert b"]52" not in out
    assert out.startswith(b"before ")
    assert out.endswith(b" after")
    assert len(stripped) == 1


@given(st.binary(max_size=300))
def test_what_is_not_blocked_passes_byte_for_byte(data: bytes) -> None:
    """Output without an OSC introducer is not changed, whatever else it holds."""
    data = data.replace(b"\x1b", b"e").replace(b"\xc2\x9d", b"xx")
    assert guarded(data) == (data, [])


@given(
    st.lists(st.sampled_from([CLIPBOARD, b"\x1b[31m", b"\x1b]0;title\x07", "日本".encode(), b"x", b"\x1b"]))
)
def test_cutting_into_pieces_changes_nothing(parts: list[bytes]) -> None:
    """The result does not depend on how the output happened to be cut into packets."""
    data = b"".join(parts)
    assert guarded(data, pieces=1) == guarded(data)


def test_other_sequences_stay() -> None:
    """Colours, titles and hyperlinks are the target's business."""
    data = b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b]8;;https://city.example\x1b\\link\x1b]8;;\x1b\\"
    assert guarded(data, pieces=1) == (data, [])


def test_shift_jis_letters_are_not_taken_for_controls() -> None:
    """In Shift_JIS the byte pair C2 9D is text, not an operating-system command."""
    data = b"\xc2\x9d52;c;abc\x07"
    assert guarded(data, charset="shift_jis") == (data, [])


def test_unended_string_swallows_only_until_the_next_sequence() -> None:
    """A blocked string that never ends does not swallow the escape sequence that follows it."""
    out, _ = guarded(b"\x1b]52;c;abc\x1b[2Jafter")
    assert out == b"\x1b[2Jafter"
