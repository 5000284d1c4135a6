"""A fresh biometric: for this action, on this object, by this person, once, within a minute."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sekisho.evidence.models import OutboxRecord
from sekisho.people.models import Challenge, EnrolmentCode, Person
from sekisho.people.roles import Role
from tests.people import registered
from tests.people.software_key import PRESENT, SoftwareKey

pytestmark = pytest.mark.django_db
ISSUE = "confirm:issue-code:mori"


@pytest.fixture
def key() -> SoftwareKey:
    return SoftwareKey()


@pytest.fixture
def sato(key: SoftwareKey) -> Person:
    made = registered.person("sato")
    registered.passkey(made, key)
    registered.person("mori", Role.OPERATOR)
    registered.person("hayashi", Role.OPERATOR)
    return made


@pytest.fixture
def client(sato: Person) -> Client:
    return registered.signed_in(sato)


def ask(client: Client, purpose: str = ISSUE) -> dict[str, object]:
    answer: dict[str, object] = client.post("/authenticator/challenge/", {"purpose": purpose}).json()
    return answer


def issue(client: Client, asked: dict[str, object], answered: str, login: str = "mori") -> int:
    data = {"webauthn_challenge": asked.get("challenge", ""), "webauthn_response": answered}
    return client.post(f"/people/{login}/code/", data).status_code


def test_with_the_finger_the_verb_happens_once(client: Client, key: SoftwareKey) -> None:
    """Confirmed, done, recorded with action and object; the same answer a second time does nothing."""
    asked = ask(client)
    answered = key.answer(asked)
    assert issue(client, asked, answered) == 200
    assert issue(client, asked, answered) == 403
    assert EnrolmentCode.objects.count() == 1
    found = [json.loads(bytes(row.payload)) for row in OutboxRecord.objects.order_by("id")]
    assert [each["tag"] for each in found] == [
        "console:person:confirmed-by-authenticator",
        "city:enrolment-code:issued",
        "console:person:sign-in-refused",
    ]
    assert found[0]["detail"]["action"] == "issue-code"
    assert found[0]["detail"]["object"] == "mori"


def test_without_it_nothing_happens(client: Client, key: SoftwareKey) -> None:
    """No answer, a touch without verification, an answer that came too late: refused, nothing done."""
    assert client.post("/people/mori/code/").status_code == 403
    key.flags = PRESENT
    asked = ask(client)
    assert issue(client, asked, key.answer(asked)) == 403
    key.flags |= 0x04
    asked = ask(client)
    Challenge.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert issue(client, asked, key.answer(asked)) == 403
    assert not EnrolmentCode.objects.exists()


@pytest.mark.parametrize(
    "purpose", ["confirm:issue-code:hayashi", "confirm:open-line:mori", "confirm:certify-terminal:mori"]
)
def test_a_confirmation_for_one_thing_is_none_for_another(
    client: Client, key: SoftwareKey, purpose: str
) -> None:
    """Another object's, another action's confirmation is refused."""
    asked = ask(client, purpose)
    assert issue(client, asked, key.answer(asked)) == 403
    assert not EnrolmentCode.objects.exists()


def test_signing_in_is_no_confirmation(client: Client, key: SoftwareKey, sato: Person) -> None:
    """Odd purposes get no challenge at all."""
    for purpose in (
        "sign-in",
        "enrol",
        "confirm",
        "confirm:",
        "confirm:open-line:",
        "confirm::x",
        "confirm:A:b",
        "x",
    ):
        assert client.post("/authenticator/challenge/", {"purpose": purpose}).status_code == 403


def test_a_colleagues_finger_does_not_count(client: Client, key: SoftwareKey) -> None:
    """Another person's genuine authenticator, and the own answer in a colleague's browser, are refused."""
    other = SoftwareKey()
    colleague = registered.person("suzuki")
    registered.passkey(colleague, other)
    asked = ask(client)
    assert issue(client, asked, other.answer(asked)) == 403
    asked = ask(client)
    assert issue(registered.signed_in(colleague), asked, key.answer(asked)) == 403
    assert not EnrolmentCode.objects.exists()
