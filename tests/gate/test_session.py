"""A maintenance session from the client's side: what is relayed is exactly what was sent."""

import os
import signal

import pytest

from tests.gate.gatetown import GateTown
from tests.town import eventually

pytestmark = pytest.mark.e2e


def test_a_command_runs_on_the_target(town: GateTown) -> None:
    """A single command: output, errors apart, and the exit status, all from the target."""
    result = town.run("printf out; printf err >&2; exit 7")
    assert result.stdout == b"out"
    assert result.stderr.endswith(b"err")
    assert result.returncode == 7


def test_the_notice_comes_first_and_never_into_the_data(town: GateTown) -> None:
    """Both languages say what is recorded and until when; stdout stays the target's alone."""
    result = town.run("true")
    assert "記録".encode() in result.stderr
    assert b"recorded in full" in result.stderr
    assert result.stdout == b""


def test_the_stream_is_binary_clean_in_both_directions(town: GateTown) -> None:
    """Every byte value, in and out, arrives unchanged."""
    data = bytes(range(256)) * 4096
    assert town.run("cat", stdin=data).stdout == data


@pytest.mark.parametrize("charset", ["utf-8", "shift_jis", "euc_jp"])
def test_japanese_in_any_charset_is_untouched(town: GateTown, charset: str) -> None:
    """Text in the target's charset passes as it is, in commands too."""
    text = "住民記録 終了".encode(charset)
    assert town.run(b"printf %s '" + text + b"'").stdout == text
    assert town.run("cat", stdin=text).stdout == text


def test_an_interactive_shell_with_window_size_and_interrupt(town: GateTown) -> None:
    """A pty with its size, a change of size, Ctrl-C, and the shell's own exit status."""
    with town.terminal(size=(91, 33)) as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"stty size; echo ready-$((40+2))\n")
        terminal.expect(b"33 91")
        terminal.expect(b"ready-42")
        town.resize(terminal, 100, 40)
        terminal.send(b"sleep 0.3; stty size\n")
        terminal.expect(b"40 100")
        terminal.send(b"sleep 100\n")
        terminal.expect(b"sleep 100\r\n")
        terminal.read(0.3)
        terminal.send(b"\x03")
        terminal.expect(b"^C\r\n")
        # What is typed while the shell takes in the interrupt is thrown away by its line editor.
        eventually(lambda: terminal.read() == b"" and terminal.screen.endswith((b"# ", b"$ ")), 10)
        terminal.send(b"exit 5\n")
        terminal.wait_end()
        assert terminal.process.returncode == 5


def test_a_signal_ends_the_command_and_is_reported(town: GateTown) -> None:
    """A command that dies by a signal is reported as such (OpenSSH's client says 255)."""
    result = town.run("kill -TERM $$")
    assert result.returncode == 255
    ended = town.last_session()
    assert ended["end_reason"] == "finished"


def test_end_of_input_reaches_the_target(town: GateTown) -> None:
    """A filter that waits for the end of its input gets it."""
    assert town.run("wc -c", stdin=b"x" * 100_000).stdout.strip() == b"100000"


def test_everything_is_in_the_recording(town: GateTown) -> None:
    """The recording holds what was typed, what was shown, errors apart; its digest is in the evidence."""
    town.run("cat; echo gone wrong >&2", stdin=b"typed-by-hand")
    session = town.last_session()
    kinds = town.recording(session["id"])
    assert b"typed-by-hand" in kinds["INPUT"]
    assert b"typed-by-hand" in kinds["OUTPUT"]
    assert b"gone wrong" in kinds["STDERR"]
    assert session["recording_root"] == town.recording_root(session["id"])


def test_the_target_never_sees_the_operators_credential(town: GateTown) -> None:
    """The target is entered with the gate's own certificate, which names session and operator."""
    town.run("true")
    log = (town.target.folder / "log").read_text()
    assert f"sekisho session={town.last_session()['id']} operator={town.operator}" in log


def test_an_old_target_gets_the_gates_own_key(town: GateTown) -> None:
    """A target that cannot trust a CA is entered with the key that only the gate holds."""
    town.probe("System.objects.filter(code=system).update(credential='key')", system=town.system)
    keys = town.target.folder / "authorized"
    keys.write_text((town.home / "keys" / "gate-target-key.pub").read_text())
    town.restart_target(f"AuthorizedKeysFile {keys}\nTrustedUserCAKeys none")
    try:
        assert town.run("echo old").stdout == b"old\n"
    finally:
        town.probe("System.objects.filter(code=system).update(credential='certificate')", system=town.system)
        town.restart_target("")


def test_a_client_that_vanishes_is_noticed(town: GateTown) -> None:
    """A killed client ends the session in the register, and the command on the target."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"echo alive-$((1+1))\n")
        terminal.expect(b"alive-2")
        os.kill(terminal.process.pid, signal.SIGKILL)
        eventually(lambda: town.last_session()["end_reason"] == "client-gone", 5)


def test_every_session_opened_is_evidence_and_every_end(town: GateTown) -> None:
    """One record of the opening and one of the end, naming permit, operator, line, terminal and system."""
    town.run("true")
    session = town.last_session()["id"]
    tags = eventually(lambda: town.tags_of(f"session:{session}", at_least=2))
    assert tags[0] == "gate:session:opened"
    assert tags[-1] == "gate:session:ended"
