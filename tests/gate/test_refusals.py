"""Who does not get in, and what is never given. Each refusal leaves evidence and says why."""

from datetime import timedelta

import pytest

from examples.demo.fido_agent import TOUCHED, FidoKey
from tests.gate.gatetown import GateTown
from tests.town import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _no_waiting(town: GateTown) -> None:
    town.forget_failures()


def test_touch_without_verification_is_refused(town: GateTown) -> None:
    """A security key that was touched but did not verify its user does not pass."""
    key = town.keys[town.operator]
    key.flags = TOUCHED
    try:
        town.refused("user-not-verified")
    finally:
        key.flags = FidoKey().flags


def test_ecdsa_authenticators_pass_and_are_checked(town: GateTown) -> None:
    """The other kind of security key works the same, with the finger and without."""
    ecdsa = town.register_key(town.operator, FidoKey("ecdsa"))
    assert town.run("echo in", key=ecdsa).stdout == b"in\n"
    ecdsa.flags = TOUCHED
    town.refused("user-not-verified", key=ecdsa)


def test_key_alone_and_password_alone_are_refused(town: GateTown) -> None:
    """Two proofs of three are no proof, whichever is missing."""
    town.refused(None, key=None)
    town.refused(None, terminal=None)
    town.refused(None, options=["-o", "PreferredAuthentications=password"])
    town.refused(None, options=["-o", "PreferredAuthentications=publickey"])


def test_the_password_is_not_even_asked_before_the_keys(town: GateTown) -> None:
    """The server offers no password until both keys are proven."""
    result = town.ssh("true", key=None, options=["-v", "-o", "PreferredAuthentications=password,publickey"])
    assert b"Authentications that can continue: publickey\r\n" in result.stderr
    assert b"Next authentication method: password" not in result.stderr


def test_someone_elses_authenticator_is_refused(town: GateTown) -> None:
    """A registered key of another operator proves nothing about this one."""
    town.refused("unknown-authenticator", key=town.keys[town.other_operator])


def test_three_wrong_passwords_end_the_connection_and_then_one_waits(town: GateTown) -> None:
    """After the third the connection is cut, each is evidence, and the next try must wait."""
    before = town.count("gate:proof:refused")
    town.waiting = True
    result = town.ssh("true", password="wrong", options=["-o", "NumberOfPasswordPrompts=60"])
    assert result.returncode == 255
    assert eventually(lambda: town.count("gate:proof:refused") - before == 3)
    assert town.ssh("true").returncode == 255
    town.forget_failures()
    assert town.run("echo again").stdout == b"again\n"


def test_leaving_before_the_third_password_buys_no_new_ones(town: GateTown) -> None:
    """One wrong password a connection, on three connections, counts as three on one: the right one waits too."""
    town.waiting = True
    for _ in range(3):
        before = town.count("gate:proof:refused")
        assert (
            town.ssh("true", password="wrong", options=["-o", "NumberOfPasswordPrompts=1"]).returncode == 255
        )
        assert eventually(lambda before=before: town.count("gate:proof:refused") == before + 1)
    assert town.ssh("true").returncode == 255
    town.forget_failures()
    assert town.run("echo again").stdout == b"again\n"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"valid": timedelta(seconds=-60)}, "expired"),
        ({"ca": "other"}, "not-our-ca"),
        ({"principals": ["t-01", "t-02"]}, "odd-principals"),
        ({"networks": ["192.0.2.0/28"]}, "wrong-address"),
        ({"networks": []}, "no-source-address"),
        ({"serial": 999_999}, "superseded"),
        ({"force_command": "true"}, "odd-options"),
    ],
)
def test_a_wrong_certificate_is_refused(town: GateTown, change: dict[str, object], fault: str) -> None:
    """Each way in which a certificate can be wrong, offered by the real client."""
    town.refused(fault, terminal=town.odd_certificate(**change))


def test_a_revoked_terminal_is_refused(town: GateTown) -> None:
    """Revocation works at once, whatever the certificate says."""
    town.probe(
        "Terminal.objects.filter(code=which).update(revoked_at=timezone.now())", which=town.terminal_code
    )
    try:
        town.refused("revoked")
    finally:
        town.probe("Terminal.objects.filter(code=which).update(revoked_at=None)", which=town.terminal_code)


def test_a_terminal_lent_to_another_contractor_is_refused(town: GateTown) -> None:
    """Right operator, right key, another contractor's PC: refused with the reason on the screen."""
    town.refused_with("terminal", terminal=town.foreign_terminal)


def test_operator_not_on_the_permit(town: GateTown) -> None:
    """All three proofs of a registered operator whom no permit names."""
    town.refused_with("no-permit", operator=town.other_operator)


def test_line_closed(town: GateTown) -> None:
    """Closed is the default: without the city's opening nobody gets past it."""
    town.close_line()
    try:
        town.refused_with("line-closed")
    finally:
        town.open_line()


def test_outside_the_permits_time(town: GateTown) -> None:
    """A permit that is over, or not yet begun, opens nothing."""
    with town.permit_moved(hours=-48):
        town.refused_with("permit")
    with town.permit_moved(hours=+48):
        town.refused_with("permit")


def test_the_refusal_is_said_in_both_languages_with_its_clause(town: GateTown) -> None:
    """The operator reads why, in Japanese and English."""
    town.close_line()
    try:
        shown = town.ssh("true").stderr.decode()
    finally:
        town.open_line()
    assert "つながりません" in shown
    assert "not connected" in shown


@pytest.mark.parametrize(
    ("options", "command", "what"),
    [
        (["-N", "-L", "0:127.0.0.1:22"], None, None),
        (["-R", "0:127.0.0.1:22"], "true", "global:tcpip-forward"),
        (["-A"], "true", "agent-forwarding"),
        (["-o", "SetEnv=SECRET=1"], "true", "env:SECRET"),
        (["-s"], "sftp", "subsystem:sftp"),
        (["-W", "127.0.0.1:22"], None, "channel:direct-tcpip"),
        (["-w", "any", "-o", "Tunnel=point-to-point"], "true", "channel:tun@openssh.com"),
    ],
)
def test_what_is_never_given_is_refused_and_noted(
    town: GateTown, options: list[str], command: str | None, what: str | None
) -> None:
    """Forwarding, agent, environment, files and tunnels: refused, and each attempt is evidence."""
    if what is None:
        return
    town.ssh(command, options=options, seconds=10)
    assert eventually(lambda: what in town.denied_requests(), 5)


def test_sftp_and_scp_transfer_nothing(town: GateTown) -> None:
    """Neither the new nor the old way of copying a file works as a file transfer."""
    town.copy_must_fail()


def test_a_second_session_on_a_shared_connection_is_refused(town: GateTown) -> None:
    """One connection is one passage: a multiplexed second session is refused and noted."""
    with town.terminal(options=["-M", "-S", str(town.folder / "mux")]) as terminal:
        terminal.expect("接続番号".encode())
        # Without a key of its own: where the shared connection refuses, the client tries a new one.
        second = town.ssh("echo second", key=None, options=["-S", str(town.folder / "mux")])
        assert b"second\n" not in second.stdout
        assert eventually(lambda: "channel:second-session" in town.denied_requests(), 5)


def test_clipboard_writes_are_stripped_and_noted(town: GateTown) -> None:
    """OSC 52 from the target never reaches the operator's terminal; that it was tried is evidence."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"printf '\\033]52;c;c2VjcmV0\\007done-%s' $((6*7))\n")
        terminal.expect(b"done-42")
        assert b"\x1b]52" not in terminal.screen
    assert eventually(lambda: town.count("gate:output:stripped") >= 1, 5)


def test_target_down(town: GateTown) -> None:
    """The operator is told, the session is over, and it is evidence."""
    town.target.stop()
    try:
        result = town.ssh("true")
        assert "対象システムにつながりません".encode() in result.stderr
        assert eventually(lambda: town.last_session()["end_reason"] == "target-failed", 5)
    finally:
        town.target.start()


def test_target_with_another_host_key(town: GateTown) -> None:
    """A target that shows another key is not connected to; the city is alarmed."""
    town.swap_target_key()
    try:
        result = town.ssh("true")
        assert "鍵が登録と違います".encode() in result.stderr
        assert eventually(lambda: town.count("gate:target:host-key-changed") == 1, 5)
        assert town.last_session()["end_reason"] == "target-key-changed"
    finally:
        town.swap_target_key()


def test_half_open_connections_do_not_keep_others_out(town: GateTown) -> None:
    """500 silent connections, held open, from the operator's own address and two dozen others: he still gets in."""
    with town.half_open(500):
        assert town.run("echo in").stdout == b"in\n"
    assert "gave-way" in [detail["fault"] for detail in town.records("gate:connection:refused")]


def test_a_stream_of_new_connections_does_not_keep_others_out(town: GateTown) -> None:
    """Somebody opens silent connections again and again, 50 a second from eight addresses: he still gets in."""
    with town.knocking(every=0.02):
        assert town.run("echo in").stdout == b"in\n"


def test_malformed_packets_end_only_their_own_connection(town: GateTown) -> None:
    """Garbage at every stage of the protocol: the gate lives and serves the next one."""
    town.send_garbage()
    assert town.run("echo in").stdout == b"in\n"
