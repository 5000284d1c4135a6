"""A fault at 22:00: the operator's call, one confirmed tap, work at once, and the division's yes in the morning."""

from collections.abc import Iterator

import pytest

from tests.e2e.consoletown import ConsoleTown, city_with_gate
from tests.gate.clients import PASSWORD
from tests.town import eventually

pytestmark = pytest.mark.e2e
NIGHT = """
from hashlib import sha256
import datetime
Permit.objects.all().delete()
LineSwitch.objects.all().delete()
FactRow.objects.filter(key="service.hours").update(value=["2020-01-01 08:30-17:15"])
paper = Document.objects.get()
for position, (key, value) in enumerate({"emergency.hours": ["daily 00:00-24:00"], "emergency.longest": [3],
        "emergency.approval": [24]}.items()):
    FactRow.objects.create(document=paper, position=50 + position, subject="contract:c-1", key=key, mode="state",
        value=value, page=4, clause=f"5-{position}", quote="…", read_by="x", confirmed_by="y")
None
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    """A city by night: hours over, lines closed, nothing permitted; its papers know emergencies."""
    town = city_with_gate(tmp_path_factory.mktemp("city"), NIGHT)
    try:
        yield town.open()
    finally:
        town.close()


@pytest.mark.timeout(300)
def test_a_fault_by_night(city: ConsoleTown) -> None:
    """Nothing opens by asking; who is on call opens with the finger; it is approved afterwards."""
    assert city.gate is not None
    operator, owner = city.visitor("mori", PASSWORD), city.visitor("kacho")
    city.inspect("systems", "/on-call/", "on-call-nobody")
    city.inspect(operator, "/emergency/", "emergency-nobody-on-call")
    city.probe(
        "OnCall.objects.create(person=Person.objects.get(login='kacho'),"
        " entered_by=Person.objects.get(login='systems'), starts=timezone.now() - datetime.timedelta(hours=1),"
        " ends=timezone.now() + datetime.timedelta(hours=9)).pk"
    )
    city.inspect("systems", "/on-call/", "on-call-somebody")
    page = operator.goto("/")
    page.get_by_role("link", name="緊急の作業を求める").click()
    page.select_option("[name=contract]", index=1)
    page.select_option("[name=system]", index=1)
    page.fill("[name=fault]", "窓口の証明書発行が止まった。サービスを起動し直す")
    page.get_by_role("button", name="緊急の作業を求める").click()
    page.wait_for_url("**/permits/R*/")
    number = page.url.rstrip("/").rpartition("/")[2]
    city.inspect(operator, None, "emergency-asked")
    city.gate.refused_with("permit-requested")
    page = owner.goto("/")
    page.get_by_text("緊急の作業が求められています").click()
    page.wait_for_url(f"**/permits/{number}/")
    city.inspect(owner, f"/permits/{number}/", "emergency-to-open")
    owner.verified(False)
    page = owner.goto(f"/permits/{number}/")
    page.click("form[action$='/open-emergency/'] [data-webauthn] button")
    page.locator("[data-webauthn-error]:visible").wait_for()
    city.gate.refused_with("permit-requested")
    owner.verified(True)
    page = owner.goto(f"/permits/{number}/")
    page.click("form[action$='/open-emergency/'] [data-webauthn] button")
    page.get_by_text("開けました").wait_for()
    with city.gate.terminal(size=(90, 24)) as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"echo at-$((40 + 2))\n")
        terminal.expect(b"at-42")
        city.gate.refused_with("emergency-one-at-a-time")
        city.inspect(owner, "/", "home-in-an-emergency")
        terminal.send(b"exit\n")
        terminal.wait_end()
    page = owner.goto("/")
    page.get_by_text("緊急の作業が事後の承認を待っています").click()
    city.inspect(owner, f"/permits/{number}/", "emergency-to-approve")
    overdue = (
        "Permit.objects.filter(number=n).update(ratify_by=timezone.now() - datetime.timedelta(minutes=1))"
    )
    city.probe(overdue, n=number)
    eventually(lambda: city.probe("Incident.objects.count()") == 1, 15, "an incident")
    city.inspect(owner, "/incidents/", "incident-open")
    page = owner.goto(f"/permits/{number}/")
    page.get_by_role("button", name="承認する").click()
    page.get_by_text("事後に承認しました").wait_for()
    page = owner.goto("/incidents/")
    page.fill("textarea", "当番の交代で見落とした。翌朝に確かめ、作業は正しかった")
    page.get_by_role("button", name="事案を閉じる").click()
    page.get_by_text("閉じた").first.wait_for()
    city.inspect(owner, "/incidents/", "incident-closed")
