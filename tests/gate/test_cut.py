"""The city holds the switch: cut at once, latched over everything, with nothing in its way."""

import getpass
import time

import pytest

from sekisho.access.control import GateRefused
from tests.gate.gatetown import GateTown
from tests.town import eventually

pytestmark = pytest.mark.e2e


def test_a_cut_ends_the_session_and_latches(town: GateTown) -> None:
    """The client is out within a second, nobody reconnects, the latch says who and how long it took."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        done = town.gate.cut_session(town.live_session(), by="person:systems")
        terminal.wait_end(1)
        assert "市がこの接続を遮断しました".encode() in terminal.screen
    town.refused_with("latched")
    latch = eventually(town.latches)[0]
    assert latch["cut_by"] == "person:systems"
    assert latch["milliseconds"] == pytest.approx(done.milliseconds, abs=1)
    town.release_latches()
    assert town.run("echo back").stdout == b"back\n"


def test_a_latch_survives_a_restart_of_everything(town: GateTown) -> None:
    """Gate and database restarted: still latched."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        town.gate.cut_session(town.live_session(), by="person:systems")
        terminal.wait_end(1)
    town.restart_gate()
    town.refused_with("latched")
    town.release_latches()


def test_a_database_that_forgot_the_latch_releases_nothing(town: GateTown) -> None:
    """The row is gone (yesterday's backup): the gate still holds its own latch."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        town.gate.cut_session(town.live_session(), by="person:systems")
        terminal.wait_end(1)
    rows = eventually(town.latches)
    town.probe("Latch.objects.all().delete()")
    town.restart_gate()
    town.refused_with("latched")
    town.restore_latch(rows[0])
    town.release_latches()


def test_cutting_a_line_and_everything(town: GateTown) -> None:
    """The line's cut ends all its sessions; cutting everything ends all there are."""
    for cut in (
        lambda: town.gate.cut_line(town.line, by="person:x"),
        lambda: town.gate.cut_everything(by="person:x"),
    ):
        with town.terminal() as one, town.terminal() as two:
            one.expect("接続番号".encode())
            two.expect("接続番号".encode())
            assert len(cut().ended) == 2
            one.wait_end(1)
            two.wait_end(1)
        town.refused_with("latched")
        town.release_latches()


def test_a_line_that_is_none_is_not_cut(town: GateTown) -> None:
    """A slip of the finger latches nothing, and whoever waits for it hears that nothing was cut."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        for slip in ("lineb", "", "x" * 5000, "line\x00a"):
            with pytest.raises(GateRefused) as said:
                town.gate.cut_line(slip, by="person:systems")
            assert said.value.code == "unknown-line"
        terminal.send(b"echo still $((40 + 2))\n")
        terminal.expect(b"still 42")
    assert town.latches() == []


def test_a_cut_is_kept_whoever_says_they_ask(town: GateTown) -> None:
    """A name that no register could hold is replaced by the account at the other end of the socket."""
    for by in ("person:\x00", "person:" + "x" * 500, "person:森 一郎", "somebody"):
        town.gate.cut_everything(by=by)
        latch = eventually(town.latches)[0]
        assert latch["cut_by"] == f"os-user:{getpass.getuser()}"
        town.release_latches()


def test_closing_the_line_and_withdrawing_the_permit_end_the_session(town: GateTown) -> None:
    """Both end the session at once, each under its own name."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        town.close_line()
        terminal.wait_end(3)
    eventually(lambda: town.last_session()["end_reason"] == "line-closed")
    town.open_line()
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        with town.permit_state("withdrawn"):
            terminal.wait_end(3)
    eventually(lambda: town.last_session()["end_reason"] == "permit-withdrawn")


def test_the_window_ends_the_session_with_warnings(town: GateTown) -> None:
    """When the permit's time is over the session ends within a second; the warning was on the screen."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        ends = time.time() + 5
        town.set_permit_end(ends)
        terminal.expect("あと1分".encode(), 3)
        terminal.wait_end(8)
        assert abs(time.time() - ends) < 1.5
        assert "許可された時間が終わりました".encode() in terminal.screen
    town.set_permit_end(None)
    eventually(lambda: town.last_session()["end_reason"] == "window-ended")


def test_cut_while_flooding(town: GateTown) -> None:
    """A session that floods is out as fast as an idle one, and nothing reaches the client afterwards."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"yes 0123456789012345678901234567890123456789\n")
        for _ in range(50):
            terminal.read()
        done = town.gate.cut_session(town.live_session(), by="person:systems")
        terminal.wait_end(2)
        assert done.milliseconds < 1000
    town.release_latches()
