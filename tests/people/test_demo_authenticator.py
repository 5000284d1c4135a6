"""The demo's authenticator works in a demo, and nowhere else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sekisho.kernel.installation import Installation, Options
from sekisho.kernel.outcome import Refused
from sekisho.people import demo_authenticator
from sekisho.people.demo_authenticator import NotADemo, answer, enrol_for_demo, is_demo
from sekisho.people.models import Passkey
from sekisho.people.passkeys import ask_for_proof, check_proof
from tests.people import registered
from tests.people.registered import PASSWORD, Machine

DEMO = Installation(Path("/nowhere"), Options(log_origin="demo.invalid/log-1"), demo=True)
QUESTION: dict[str, Any] = {"mode": "get", "options": {"challenge": "AAAA"}}


@pytest.mark.parametrize(
    "earnest",
    [
        replace(DEMO, demo=False),
        replace(DEMO, options=replace(DEMO.options, web_address="0.0.0.0")),
        replace(DEMO, options=replace(DEMO.options, web_address="192.0.2.1")),
        replace(DEMO, options=replace(DEMO.options, log_origin="sekisho.city.example/log-1")),
        replace(DEMO, options=replace(DEMO.options, log_origin="xdemo.invalid/log-1")),
    ],
)
def test_one_sign_missing_and_it_is_no_demo(earnest: Installation) -> None:
    """Mark of the folder, loopback, name of the log: each alone is enough to rule it out."""
    assert is_demo(DEMO)
    assert not is_demo(earnest)


@pytest.mark.django_db
def test_outside_a_demo_it_refuses_and_has_no_url() -> None:
    """This very installation is no demo: the code refuses, and nothing is routed."""
    sato = registered.person("sato")
    with pytest.raises(NotADemo):
        answer(sato, QUESTION)
    client = Client(headers={"host": "localhost"})
    assert client.post("/demo/authenticator/", {"purpose": "sign-in"}).status_code == 404
    assert "demo" not in client.get("/sign-in/").content.decode()


@pytest.mark.django_db
def test_in_a_demo_it_passes_the_same_verification(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enrolled and signed in by the very code that real authenticators meet; no path around it."""
    settings.SEKISHO = replace(DEMO, home=settings.SEKISHO.home)
    sato = registered.person("sato")
    made = enrol_for_demo(sato, PASSWORD, Machine(), timezone.now())
    assert Passkey.objects.get() == made
    now = timezone.now()
    asked = ask_for_proof(sato, "x", "b", now)
    assert check_proof(sato, "x", "b", asked["challenge"], answer(sato, asked), now) == made
    monkeypatch.setattr(demo_authenticator, "_USER_VERIFIED", 0)
    asked = ask_for_proof(sato, "x", "b", now)
    assert isinstance(check_proof(sato, "x", "b", asked["challenge"], answer(sato, asked), now), Refused)
