"""Attended sessions as the city sees them: called, present, checked, gone; in a real browser with a real ssh client."""

from collections.abc import Iterator

import pytest

from tests.e2e.consoletown import ConsoleTown, city_with_gate
from tests.town import eventually

pytestmark = pytest.mark.e2e
WAITING = "職員1人がそろうのを待っています".encode()
GOES_ON = "再開しました".encode()
LEFT = "立ち会う職員が足りないため止まっています".encode()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    """A city with a permit for a great change."""
    town = city_with_gate(
        tmp_path_factory.mktemp("city"),
        "Permit.objects.update(great_change=True, work='版の更新(1.2から1.3へ)')",
    )
    try:
        yield town.open()
    finally:
        town.close()


@pytest.mark.timeout(300)
def test_nothing_moves_without_a_person_who_looks_on(city: ConsoleTown) -> None:
    """Home calls, the finger begins, the screen shows; a hidden page, a wrong finger and signing out stop it."""
    assert city.gate is not None
    owner = city.visitor("kacho")
    city.inspect(owner, "/attend/", "attend-nothing")
    page = owner.goto("/")
    with city.gate.terminal(size=(90, 24)) as one, city.gate.terminal(size=(90, 24)) as two:
        for terminal in (one, two):
            terminal.expect(WAITING)
        assert eventually(lambda: page.title().startswith("(2) "), 20, "the tab calls")
        city.inspect(owner, "/", "home-calls")
        page = owner.goto("/")
        page.get_by_text("立会いを待って止まっています").first.click()
        page.wait_for_url("**/attend/")
        city.inspect(owner, "/attend/", "attend-called")
        owner.verified(False)
        page = owner.goto("/attend/")
        page.click("form[action$='/begin/'] [data-webauthn] button >> nth=0")
        page.locator("[data-webauthn-error]:visible").wait_for()
        assert city.probe("Attending.objects.count()") == 0
        owner.verified(True)
        for _ in range(2):
            page = owner.goto("/attend/")
            page.click("form[action$='/begin/'] [data-webauthn] button >> nth=0")
            page.get_by_text("立会いを始めました").wait_for()
        for number, terminal in enumerate((one, two)):
            terminal.expect(GOES_ON)
            terminal.send(f"echo 画面{number}番\n".encode())
        for number in range(2):
            page.locator(".screen").get_by_text(f"画面{number}番").first.wait_for()
        city.inspect(owner, None, "attend-two-screens")
        seen = "str(Attending.objects.latest('seen_at').seen_at)"
        before = city.probe(seen)
        assert eventually(lambda: city.probe(seen) != before, 8, "a sign of life")
        # Another page in front of this one: its signs of life stop.
        owner.cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
        page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
        for terminal in (one, two):
            terminal.expect(LEFT, 20)
        page = owner.goto("/attend/")
        for terminal in (one, two):
            terminal.send(b"echo on-$((40 + 2))\n")
            terminal.expect(b"on-42")
        session = city.gate.live_session()
        page = owner.goto(f"/sessions/{session}/")
        city.gate.gate.freeze(session, by="person:kacho")
        city.inspect(owner, f"/sessions/{session}/", "session-frozen")
        page = owner.goto(f"/sessions/{session}/")
        page.get_by_text("再開する…").click()
        page.click("form[action$='/resume/'] [data-webauthn] button")
        page.wait_for_url("**/attend/")
        answered = city.probe(
            "str(Attending.objects.filter(ended_at=None).latest('confirmed_at').confirmed_at)"
        )
        page = owner.goto("/attend/")
        page.click("form[action*='/attend/check/'] [data-webauthn] button")
        page.get_by_text("在席確認に答えました").wait_for()
        latest = "str(Attending.objects.filter(ended_at=None).latest('confirmed_at').confirmed_at)"
        assert eventually(lambda: city.probe(latest) != answered)
        page.get_by_role("button", name="サインアウト").click()
        for terminal in (one, two):
            terminal.send(b"echo off-$((40 + 2))\n")
        eventually(lambda: len(city.gate.gate.status()["frozen"]) == 2, 5, "signing out leaves")
        assert (
            city.probe("list(Attending.objects.values_list('end_reason', flat=True))") == ["signed-out"] * 2
        )
        assert b"off-42" not in one.screen + two.screen
