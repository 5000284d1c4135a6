"""The verbs of the register: who may, what they refuse, and one evidence record each."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from examples.demo.fido_agent import FidoKey
from sekisho.evidence.models import OutboxRecord
from sekisho.kernel.outcome import Refused
from sekisho.people import service
from sekisho.people.models import Contractor, Division, EnrolmentCode, Person, SshAuthenticator
from sekisho.people.roles import Role
from tests.people import registered
from tests.people.registered import Machine

pytestmark = pytest.mark.django_db


def records() -> list[tuple[str, str, list[str]]]:
    """Tag, actor and subjects of everything recorded, in order."""
    found = [json.loads(bytes(row.payload)) for row in OutboxRecord.objects.order_by("id")]
    return [(each["tag"], each["actor"], each["subjects"]) for each in found]


def register(login: str = "mori", by: service.Actor | None = None, **more: object) -> Person | Refused:
    contractor = Contractor.objects.get_or_create(code="shiosai", defaults={"name": "し", "name_en": "S"})[0]
    given: dict[str, object] = {
        "name": "森 みどり", "furigana": "モリ ミドリ", "role": Role.OPERATOR, "contractor": contractor, **more
    }  # fmt: skip
    return service.register_person(login, by=by or Machine(), now=timezone.now(), **given)  # type: ignore[arg-type]


def test_a_person_is_registered_once() -> None:
    """The person is there, the furigana in hiragana, one record; the same login a second time is refused."""
    made = register()
    assert isinstance(made, Person)
    assert made.furigana == "もり みどり"
    assert not made.has_usable_password()
    assert records() == [("city:person:registered", "os-user:test", ["person:mori"])]
    again = register()
    assert isinstance(again, Refused)
    assert again.codes == ("login-taken",)
    assert len(records()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"furigana": ""},
        {"name": "あ" * 101},
        {"login": "森"},
        {"login": ""},
        {"login": "a" * 41},
        {"login": "a b"},
        {"login": "../x"},
        {"contractor": None},
        {"role": Role.SYSTEMS},
        {"role": Role.COUNCIL},
    ],
)
def test_bad_entries_are_refused(wrong: dict[str, object]) -> None:
    """What a register cannot hold is refused with a reason, and nothing is left behind."""
    assert isinstance(register(**wrong), Refused)  # type: ignore[arg-type]
    assert not Person.objects.exists()
    assert not records()


def test_nobody_belongs_to_both_sides() -> None:
    """A person of the city has no contractor, a contractor's person no division."""
    division = Division.objects.create(code="joho", name="情", name_en="I")
    assert isinstance(register(division=division), Refused)
    assert isinstance(register(role=Role.DIVISION, division=division), Refused)
    assert isinstance(register("a", role=Role.DIVISION, division=division, contractor=None), Person)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SYSTEMS])
def test_only_the_systems_division_changes_the_register(role: Role) -> None:
    """Every verb refuses every other role, whatever page it was called from."""
    me, other, now = registered.person("me", role), registered.person("other", Role.OPERATOR), timezone.now()
    held = registered.passkey(other)
    answers = [
        register(by=me),
        service.suspend_person(other, me, now),
        service.issue_enrolment_code(other, me, now),
        service.register_ssh_authenticator(other, FidoKey().public_key, me, now),
        service.revoke_authenticator(held, me, now),
    ]
    assert all(isinstance(answer, Refused) and answer.codes == ("systems-only",) for answer in answers)
    assert not records()


def test_nobody_acts_on_oneself() -> None:
    """Not even the systems division issues itself a code or suspends itself: it takes a second person."""
    me, now = registered.person("me"), timezone.now()
    for answer in (service.issue_enrolment_code(me, me, now), service.suspend_person(me, me, now)):
        assert isinstance(answer, Refused)
        assert answer.codes == ("not-oneself",)


def test_a_suspended_person_gets_no_code() -> None:
    """Suspension voids the codes that are out and issues no new ones."""
    mori, now = registered.person("mori", Role.OPERATOR), timezone.now()
    issued = service.issue_enrolment_code(mori, Machine(), now)
    assert isinstance(issued, service.IssuedCode)
    service.suspend_person(mori, Machine(), now)
    assert isinstance(service.check_code("mori", issued.code, now), Refused)
    assert isinstance(service.issue_enrolment_code(mori, Machine(), now), Refused)
    assert isinstance(service.suspend_person(mori, Machine(), now), Refused)
    assert [tag for tag, _, _ in records()] == ["city:enrolment-code:issued", "city:person:suspended"]


def test_a_code_is_kept_as_a_hash_and_read_in_any_form() -> None:
    """Ten unambiguous characters; full-width, lower case and hyphens make no difference; the clear text is nowhere."""
    mori, now = registered.person("mori", Role.OPERATOR), timezone.now()
    issued = service.issue_enrolment_code(mori, Machine(), now)
    assert isinstance(issued, service.IssuedCode)
    assert len(issued.code) == 10
    assert not set(issued.code) & set("01OIL")
    row = EnrolmentCode.objects.get()
    assert row.code_hash.startswith("argon2")
    assert not any(issued.code.encode() in bytes(each.payload) for each in OutboxRecord.objects.all())
    wide = "".join(chr(ord(each) + 0xFEE0) for each in issued.shown.lower() if each != "-")
    assert isinstance(service.check_code("mori", f" {wide} ", now), EnrolmentCode)


def test_an_operators_key_is_registered_from_its_line() -> None:
    """The `.pub` line of a FIDO2 key, comment and blanks dropped, as the gate compares it."""
    mori, now = registered.person("mori", Role.OPERATOR), timezone.now()
    for kind in ("ed25519", "ecdsa"):
        line = FidoKey(kind).public_key
        row = service.register_ssh_authenticator(mori, f"  {line} mori@office \n", Machine(), now)
        assert isinstance(row, SshAuthenticator)
        assert row.public_key == line
        assert isinstance(service.register_ssh_authenticator(mori, line, Machine(), now), Refused)
    assert [tag for tag, _, _ in records()] == ["console:authenticator:enrolled"] * 2


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKNvbW1lbnRjb21tZW50Y29tbWVudGNvbW1lbnRjb20=",
        "sk-ssh-ed25519@openssh.com",
        "sk-ssh-ed25519@openssh.com AAAA",
        "sk-ssh-ed25519@openssh.com !!!!",
        "sk-ssh-ed25519@openssh.com " + FidoKey("ecdsa").public_key.split()[1],
        "sk-ssh-ed25519@openssh.com " + FidoKey().public_key.split()[1][:-12],
        "森 みどり",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_other_keys_are_refused_with_what_to_hand_in(line: str) -> None:
    """A plain SSH key, half a key, another kind's key: refused, saying what is needed instead."""
    mori = registered.person("mori", Role.OPERATOR)
    answer = service.register_ssh_authenticator(mori, line, Machine(), timezone.now())
    assert isinstance(answer, Refused)
    assert "verify-required" in answer.reasons[0].text.en


def test_only_operators_get_keys_for_the_gate() -> None:
    """The gate is no door for the city's own people."""
    answer = service.register_ssh_authenticator(
        registered.person("sato"), FidoKey().public_key, Machine(), timezone.now()
    )
    assert isinstance(answer, Refused)
    assert answer.codes == ("operators-only",)


def test_a_revoked_authenticator_stays_revoked() -> None:
    """Revoked once, with one record; the key cannot be registered again."""
    mori, now = registered.person("mori", Role.OPERATOR), timezone.now()
    row = service.register_ssh_authenticator(mori, FidoKey(seed=bytes(32)).public_key, Machine(), now)
    assert isinstance(row, SshAuthenticator)
    assert service.revoke_authenticator(row, Machine(), now) is None
    assert isinstance(service.revoke_authenticator(row, Machine(), now + timedelta(1)), Refused)
    again = service.register_ssh_authenticator(mori, FidoKey(seed=bytes(32)).public_key, Machine(), now)
    assert isinstance(again, Refused)
    assert records()[-1][0] == "city:authenticator:revoked"
