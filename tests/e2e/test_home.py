"""The home page in a real browser: who is inside now, and that looking on keeps nobody signed in."""

import json
from uuid import uuid4

import pytest

from tests.cli.fake_gate import FakeGate
from tests.e2e.consoletown import PASSWORD, ConsoleTown
from tests.gate.registers import SEED

pytestmark = pytest.mark.e2e
SESSION = """
import uuid
Session.objects.create(id=uuid.UUID(session), permit=permit, operator=people["mori"],
    terminal=Terminal.objects.get(code="t-01"), line=line, source_address="127.0.0.1", gate="gate-1",
    opened_at=timezone.now() - datetime.timedelta(minutes=3),
    lease_until=timezone.now() + datetime.timedelta(hours=1))
None
"""


@pytest.fixture(scope="module")
def session(console: ConsoleTown) -> str:
    """A session that the register holds open: 森 at 住民記録."""
    number = str(uuid4())
    console.probe(
        SEED,
        terminals={"t-01": "ssh-ed25519 AAAA1", "t-99": "ssh-ed25519 AAAA2"},
        password=PASSWORD,
        authenticators={},
        port=22,
        account="root",
        host_key="ssh-ed25519 AAAA3",
    )
    console.probe(SESSION, session=number)
    console.register("sato", "systems", "佐藤 健", "さとう けん")
    console.register("iinkai", "council", "委員 一郎", "いいん いちろう")
    return number


def test_the_home_page_shows_who_is_inside(console: ConsoleTown, session: str) -> None:
    """While the gate answers, each session is listed with its operator, system and a button that cuts it."""
    with FakeGate(console.installation.gate_socket, [session]):
        page = console.visitor("sato").goto("/")
        panel = page.locator("section[aria-labelledby=inside]")
        assert "住民記録" in panel.inner_text()
        assert panel.locator(f"form[action='/sessions/{session}/cut/'] button.cut").count() == 1
        assert panel.locator("[data-state=unknown]").count() == 0
        console.inspect("sato", "/", "home-systems")
        console.inspect("kacho", "/", "home-division")
        console.inspect("iinkai", "/", "home-council")


def test_nobody_knows_who_is_inside_when_the_gate_is_silent(console: ConsoleTown, session: str) -> None:
    """A gate that does not answer is said in words, with the other ways to cut, by the panel itself."""
    console.installation.gate_socket.unlink(missing_ok=True)
    with FakeGate(console.installation.gate_socket, [session]):
        page = console.visitor("sato").goto("/")
    console.installation.gate_socket.unlink()
    page.wait_for_selector("section[aria-labelledby=inside] [data-state=unknown]")
    assert "sekisho cut" in page.inner_text("section[aria-labelledby=inside]")
    console.inspect("sato", "/", "home-gate-silent")


def test_a_session_that_only_the_gate_knows_is_an_alarm(console: ConsoleTown, session: str) -> None:
    """What the gate holds and the register does not know is never left out."""
    console.installation.gate_socket.unlink(missing_ok=True)
    with FakeGate(console.installation.gate_socket, [session, str(uuid4())]):
        panel = console.visitor("sato").goto("/").locator("section[aria-labelledby=inside]")
        assert "台帳にない接続が1件" in panel.inner_text()


def test_looking_on_keeps_nobody_signed_in(console: ConsoleTown, session: str) -> None:
    """The panel refreshes itself; only what a person does keeps the session from ending."""
    visitor = console.visitor("sato")
    visitor.goto("/")
    clicks = "[s.get_decoded().get('last_click') for s in Session_.objects.all()]"
    ask = f"from django.contrib.sessions.models import Session as Session_\n{clicks}"
    backdate = """
from django.contrib.sessions.models import Session as Session_
from django.contrib.sessions.backends.db import SessionStore
for row in Session_.objects.all():
    store = SessionStore(row.session_key)
    if "last_click" in store:
        store["last_click"] -= seconds
        store.save()
None
"""
    console.probe(backdate, seconds=60)
    before = json.dumps(console.probe(ask))
    with visitor.page.expect_response("**/home/inside/") as answered:
        pass
    assert answered.value.status == 200
    assert json.dumps(console.probe(ask)) == before
    console.probe(backdate, seconds=15 * 60)
    visitor.page.wait_for_url("**/sign-in/**")
    del console.visitors["sato"]


def test_the_contractor_sees_its_own_permits(console: ConsoleTown, session: str) -> None:
    """A manager's and an operator's home: their permits and what they owe, nothing of the city's."""
    for login in ("kanri", "mori"):
        page = console.visitor(login).goto("/")
        assert "R8-0001" in page.inner_text("main")
        assert page.locator("section[aria-labelledby=inside]").count() == 0
        console.inspect(login, "/", f"home-{login}")
