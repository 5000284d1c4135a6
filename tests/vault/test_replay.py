"""What a recording shows when it is replayed, searched, and opened in the middle."""

import json
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.vault import keyframes
from sekisho.vault.cast import Event, Live, Screen, asciicast
from sekisho.vault.format import Kind
from sekisho.vault.masking import MASK, typed_lines
from sekisho.vault.reader import Reader
from sekisho.vault.search import Hit, search
from tests.vault.making import recording, typed


def lines(path: Path, charset: str = "utf-8") -> list[str]:
    with Reader(path) as reader:
        return [line.text for line in typed_lines(reader.frames(), charset)]


def final_screen(cast: list[str]) -> list[str]:
    header = json.loads(cast[0])
    screen = pyte.Screen(header["term"]["cols"], header["term"]["rows"])
    stream = pyte.Stream(screen)
    for line in cast[1:]:
        _, code, data = json.loads(line)
        if code == "o":
            stream.feed(data)
    return list(screen.display)


@pytest.mark.parametrize("charset", ["utf-8", "shift_jis", "euc_jp"])
def test_text_is_decoded_by_the_targets_charset(tmp_path: Path, charset: str) -> None:
    """A character cut in two between frames comes out whole, in every charset."""
    data = "住民票".encode(charset)
    path = recording(tmp_path / "r", [(1, Kind.OUTPUT, data[:1]), (2, Kind.OUTPUT, data[1:])], charset)
    cast = [json.loads(line) for line in asciicast(path)]
    assert cast[0]["version"] == 3
    assert "".join(event[2] for event in cast[1:]) == "住民票"


def test_undecodable_bytes_are_visible_not_fatal(tmp_path: Path) -> None:
    """A byte that is no text shows as a replacement character."""
    path = recording(tmp_path / "r", [(1, Kind.OUTPUT, b"a\xffb")])
    assert "a\ufffdb" in "".join(asciicast(path))


def test_a_live_watcher_misses_nothing_and_sees_nothing_twice(tmp_path: Path) -> None:
    """Stored part and what comes later join without a gap."""
    path = recording(tmp_path / "r", [(n / 10, Kind.OUTPUT, f"{n},".encode()) for n in range(50)])
    whole, cut = path.read_bytes(), 200
    path.write_bytes(whole[:cut])
    live = Live(path)
    seen = json.loads(live.first())["init"]
    for end in range(cut, len(whole) + 1, 7):
        path.write_bytes(whole[:end])
        seen += "".join(json.loads(message)[2] for message in live.more())
    path.write_bytes(whole)
    seen += "".join(json.loads(message)[2] for message in live.more())
    live.close()
    assert seen == "".join(f"{n}," for n in range(50))


def test_passwords_are_masked_and_commands_are_not(tmp_path: Path) -> None:
    """What was echoed can be read; what was not is hidden, its length too."""
    frames = typed("sudo ls", at=0)
    frames += [(5.0, Kind.OUTPUT, b"[sudo] password: "), *typed("hunter2 and more", echo=False, at=5.0)]
    frames += typed("exit", at=20)
    assert lines(recording(tmp_path / "r", frames)) == ["sudo ls", MASK, "exit"]


def test_a_password_is_not_given_away_by_later_output(tmp_path: Path) -> None:
    """Output after a silent password that holds the same letters reveals none of them."""
    frames = [*typed("secret", echo=False), (9.0, Kind.OUTPUT, b"s e c r e t secret\r\n")]
    assert lines(recording(tmp_path / "r", frames)) == [MASK]


def test_pasted_text_echoed_at_once_is_shown(tmp_path: Path) -> None:
    """A whole line pasted, then echoed with colours around it."""
    frames: list[tuple[float, Kind, bytes]] = [
        (1.0, Kind.INPUT, b"ls -l /tmp"),
        (1.1, Kind.OUTPUT, b"\x1b[7mls -l /tmp\x1b[27m"),
        (2.0, Kind.INPUT, b"\r"),
        (2.1, Kind.OUTPUT, b"\r\n"),
    ]
    assert lines(recording(tmp_path / "r", frames)) == ["ls -l /tmp"]


@given(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=2, max_size=20))
def test_nothing_that_was_not_echoed_is_shown(secret: str) -> None:
    """Whatever the silent word: none of it is in the typed lines."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        shown = lines(recording(Path(folder) / "r", typed(secret, echo=False)))
    assert shown == [MASK]


def test_search_finds_what_was_shown_whatever_its_width(tmp_path: Path) -> None:
    """Full-width and half-width, capitals and small letters, colours in between: found, with the moment."""
    frames: list[tuple[float, Kind, bytes]] = [
        (1.0, Kind.OUTPUT, "バックアップ開始\r\n".encode()),
        (3.5, Kind.OUTPUT, b"\x1b[31mERR\x1b[0mOR in job 7\r\n"),
    ]
    path = recording(tmp_path / "r", frames)
    with Reader(path) as reader:
        events = list(Screen(reader.header).events(reader.frames()))
    assert [hit.line for hit in search(events, "ﾊﾞｯｸｱｯﾌﾟ")] == ["バックアップ開始"]
    assert [(hit.seconds, hit.line) for hit in search(events, "ｅｒｒｏｒ")] == [(3.5, "ERROR in job 7")]
    assert search(events, "  ") == []


def test_a_hit_is_dated_when_its_words_were_there() -> None:
    """Not when the line was begun with a cursor's move, nor when its newline came; letters may come in pieces."""
    events: list[Event] = [
        (0.5, "o", "\x1b[?2004l\r"), (3.6, "o", "山田"), (3.7, "o", "商店\r"), (9.0, "o", "\nnext\r\n"),
    ]  # fmt: skip
    assert search(events, "山田商店") == [Hit(3.7, "山田商店")]
    assert search(events, "next") == [Hit(9.0, "next")]


def test_opening_in_the_middle_shows_the_same_screen(tmp_path: Path) -> None:
    """From a picture on, the last screen is the one a whole replay ends with; times stay the recording's own."""
    text = "".join(f"\x1b[3{n % 8}m行 {n} of many\x1b[0m\r\n" for n in range(40_000))
    data = text.encode()
    step = 9973
    frames = [(at / step, Kind.OUTPUT, data[at : at + step]) for at in range(0, len(data), step)]
    path = recording(tmp_path / "r.skrec", frames)
    keyframes.build(path)
    whole, late = list(asciicast(path)), list(keyframes.cast_from(path, frames[-2][0]))
    assert len(late) < len(whole) / 2
    assert final_screen(late) == final_screen(whole)
    total = sum(json.loads(line)[0] for line in late[1:])
    assert total == pytest.approx(frames[-1][0], abs=0.01)


def test_a_torn_recording_replays_up_to_its_last_whole_frame(tmp_path: Path) -> None:
    """After a crash the replay shows what was whole, at any cut."""
    path = recording(tmp_path / "r", [(1, Kind.OUTPUT, b"first"), (2, Kind.OUTPUT, b"second")])
    data = path.read_bytes()
    for cut in range(len(data) - 10, len(data)):
        path.write_bytes(data[:cut])
        shown = "".join(asciicast(path))
        assert "first" in shown
        assert "second" not in shown
