"""Attacks on sign-in and enrolment: every way in but the one with both factors."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.evidence.models import OutboxRecord
from sekisho.people import attempts, passkeys, service, signed_in
from sekisho.people.models import Challenge, EnrolmentCode, Passkey, Person
from sekisho.people.roles import Role
from tests.people import registered
from tests.people.registered import PASSWORD, Machine
from tests.people.software_key import PRESENT, SoftwareKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> SoftwareKey:
    return SoftwareKey()


@pytest.fixture
def sato(key: SoftwareKey) -> Person:
    """A person with password and authenticator."""
    made = registered.person("sato", password=PASSWORD)
    registered.passkey(made, key)
    return made


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": "localhost"})


def give_password(client: Client, login: str = "sato", password: str = PASSWORD, **more: str) -> int:
    return client.post("/sign-in/", {"login": login, "password": password, **more}).status_code


def question(client: Client, purpose: str = "sign-in") -> dict[str, object]:
    answer: dict[str, object] = client.post("/authenticator/challenge/", {"purpose": purpose}).json()
    return answer


def prove(client: Client, asked: dict[str, object], answered: str) -> int:
    data = {"webauthn_challenge": asked["challenge"], "webauthn_response": answered}
    return client.post("/sign-in/authenticator/", data).status_code


def inside(client: Client) -> bool:
    return client.get("/").status_code == 200


def tags() -> list[str]:
    return [json.loads(bytes(row.payload))["tag"] for row in OutboxRecord.objects.order_by("id")]


def test_both_factors_open_the_door(client: Client, sato: Person, key: SoftwareKey) -> None:
    """Password, then the registered authenticator with its user verified; and it is evidence."""
    assert give_password(client) == 302
    asked = question(client)
    assert asked["options"]["userVerification"] == "required"
    assert prove(client, asked, key.answer(asked)) == 302
    assert inside(client)
    assert tags() == ["console:person:signed-in"]


def test_the_password_alone_opens_nothing(client: Client, sato: Person) -> None:
    """Between the factors the visitor is nobody: every page leads back to the door."""
    give_password(client)
    for page in ("/", "/people/", "/permits/", "/home/inside/"):
        assert client.get(page).status_code == 302


def test_the_authenticator_alone_opens_nothing(client: Client, sato: Person, key: SoftwareKey) -> None:
    """No challenge is given out before the password, and none is taken."""
    assert client.post("/authenticator/challenge/", {"purpose": "sign-in"}).status_code == 403
    other = Client(headers={"host": "localhost"})
    give_password(other)
    asked = question(other)
    assert prove(client, asked, key.answer(asked)) == 302
    assert not inside(client)


def test_touch_without_verification_is_refused(client: Client, sato: Person, key: SoftwareKey) -> None:
    """A signature that only says "somebody touched me" is no sign-in."""
    give_password(client)
    key.flags = PRESENT
    asked = question(client)
    assert prove(client, asked, key.answer(asked)) == 403
    assert not inside(client)
    assert tags() == ["console:person:sign-in-refused"]


def test_a_challenge_is_answered_once(client: Client, sato: Person, key: SoftwareKey) -> None:
    """The very answer that signed somebody in signs nobody in again, nor does a second try after a failure."""
    give_password(client)
    asked = question(client)
    answered = key.answer(asked)
    assert prove(client, asked, answered) == 302
    client.post("/sign-out/")
    give_password(client)
    assert prove(client, asked, answered) == 403
    failed = question(client)
    assert prove(client, failed, "{}") == 403
    assert prove(client, failed, key.answer(failed)) == 403
    assert not inside(client)


def test_a_challenge_runs_out(client: Client, sato: Person, key: SoftwareKey) -> None:
    """After 60 seconds an answer comes too late."""
    give_password(client)
    asked = question(client)
    Challenge.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert prove(client, asked, key.answer(asked)) == 403


def test_a_challenge_belongs_to_one_browser(client: Client, sato: Person, key: SoftwareKey) -> None:
    """An answer made in one browser is worth nothing in another, the same person's or not."""
    give_password(client)
    asked = question(client)
    other = Client(headers={"host": "localhost"})
    give_password(other)
    assert prove(other, asked, key.answer(asked)) == 403
    assert not inside(other)


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "http://localhost:9999"},
        {"origin": "https://sekisho.example"},
        {"type": "webauthn.create"},
        {"challenge": "AAAA"},
    ],
)
def test_an_answer_made_elsewhere_is_refused(
    client: Client, sato: Person, key: SoftwareKey, lie: dict[str, str]
) -> None:
    """Wrong origin, wrong kind, wrong challenge: what a phishing page could collect does not work here."""
    give_password(client)
    asked = question(client)
    assert prove(client, asked, key.answer(asked, **lie)) == 403
    assert not inside(client)


def test_an_authenticator_of_another_site_is_refused(client: Client, sato: Person, key: SoftwareKey) -> None:
    """The relying party is this console's host name and nothing else."""
    give_password(client)
    key.party = "sekisho.example"
    asked = question(client)
    assert prove(client, asked, key.answer(asked)) == 403


def test_anothers_authenticator_is_refused(client: Client, sato: Person) -> None:
    """A genuine, registered authenticator of somebody else does not finish this person's sign-in."""
    other = SoftwareKey()
    registered.passkey(registered.person("suzuki", password=PASSWORD), other)
    give_password(client)
    asked = question(client)
    assert prove(client, asked, other.answer(asked)) == 403
    assert not inside(client)


def test_a_copied_authenticator_is_noticed(client: Client, sato: Person, key: SoftwareKey) -> None:
    """A counter that does not rise is refused: two devices hold the same key."""
    Passkey.objects.update(sign_count=5)
    for counter, status in ((5, 403), (4, 403), (6, 302)):
        give_password(client)
        key.counter = counter
        asked = question(client)
        assert prove(client, asked, key.answer(asked)) == status
    assert Passkey.objects.get().sign_count == 6


def test_the_session_changes_at_each_step(client: Client, sato: Person, key: SoftwareKey) -> None:
    """A session key planted before, or seen between, the factors is worth nothing afterwards (fixation)."""
    session = client.session
    session["planted"] = "yes"
    session.save()
    seen = [client.cookies["sessionid"].value]
    give_password(client)
    seen.append(client.cookies["sessionid"].value)
    asked = question(client)
    prove(client, asked, key.answer(asked))
    seen.append(client.cookies["sessionid"].value)
    assert len(set(seen)) == 3
    assert "planted" not in client.session
    for old in seen[:2]:
        thief = Client(headers={"host": "localhost"})
        thief.cookies["sessionid"] = old
        assert not inside(thief)


def test_a_post_from_elsewhere_is_refused(sato: Person) -> None:
    """Without the page's own token no form is accepted: not the password, not sign-out, not a verb."""
    strict = registered.signed_in(sato, csrf=True)
    for url in ("/sign-out/", "/people/sato/suspend/", "/authenticator/challenge/", "/language/"):
        assert strict.post(url).status_code == 403
    assert (
        Client(enforce_csrf_checks=True, headers={"host": "localhost"}).post("/sign-in/").status_code == 403
    )
    assert inside(strict)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "\t//e.example",
    ],
)
def test_sign_in_leads_to_no_other_site(client: Client, sato: Person, key: SoftwareKey, page: str) -> None:
    """`next` names a page of this console or is ignored (open redirect)."""
    give_password(client, next=page)
    asked = question(client)
    data = {"webauthn_challenge": asked["challenge"], "webauthn_response": key.answer(asked)}
    assert client.post("/sign-in/authenticator/", data).headers["Location"] == "/"


def test_an_unknown_login_looks_like_a_wrong_password(client: Client, sato: Person) -> None:
    """Nobody learns who is registered: same status, same words, no login in clear in the evidence."""
    Person.objects.create(login="gone", name="x", furigana="x", role="council", is_active=False)
    pages = []
    for login in ("sato", "nobody", "gone"):
        answer = client.post("/sign-in/", {"login": login, "password": "wrong-password-x"})
        text = answer.content.decode().replace(f'value="{login}"', "")
        pages.append((answer.status_code, text.split("<main")[1].split("<form")[0]))
    assert len(set(pages)) == 1
    assert pages[0][0] == 403
    assert not any(b"nobody" in bytes(row.payload) for row in OutboxRecord.objects.all())


def test_guessing_is_slowed_down(client: Client, sato: Person) -> None:
    """After five wrong passwords even the right one has to wait; the wait grows; nothing is judged meanwhile."""
    for _ in range(5):
        assert give_password(client, password="wrong-password-x") == 403
    answer = client.post("/sign-in/", {"login": "sato", "password": PASSWORD})
    assert answer.status_code == 403
    assert "待って" in answer.content.decode() or "受け付けません" in answer.content.decode()
    assert len(tags()) == 5
    now = timezone.now()
    keys = [attempts.key("login", "sato")]
    waits = []
    for _ in range(12):
        now += attempts.reserve(keys, now)
        assert attempts.reserve(keys, now) == timedelta(0)
        waits.append(attempts.reserve(keys, now))
    assert waits == sorted(waits)
    assert waits[-1] == attempts.LONGEST


def test_an_address_that_guesses_many_logins_waits(client: Client, sato: Person) -> None:
    """Spraying one password over many logins is slowed down by address; one good account buys no more guesses."""
    for number in range(20):
        give_password(client, login=f"guess-{number}", password="wrong-password-x")
    assert give_password(client) == 403
    attempts.forgive(attempts.key("login", "sato"), attempts.key("address", "127.0.0.1"), timezone.now())
    key = attempts.key("address", "127.0.0.1")
    assert attempts.FailedTries.objects.get(key=key).failures == 19


def test_a_suspended_person_is_out_at_once(sato: Person) -> None:
    """Suspension ends what is signed in, on the very next request."""
    client = registered.signed_in(sato)
    assert inside(client)
    service.suspend_person(sato, Machine(), timezone.now())
    assert not inside(client)
    assert signed_in.person_behind(client.session.session_key) is None


def test_a_revoked_authenticator_ends_its_sessions(sato: Person) -> None:
    """Who is signed in with a lost authenticator is out at once; a new challenge does not offer it."""
    client = registered.signed_in(sato)
    service.revoke_authenticator(Passkey.objects.get(), Machine(), timezone.now())
    assert not inside(client)


@pytest.mark.parametrize(("name", "seconds"), [("last_click", 15 * 60 + 1), ("signed_in_at", 12 * 3600 + 1)])
def test_sign_in_ends_by_itself(sato: Person, name: str, seconds: int) -> None:
    """After fifteen idle minutes, and after twelve hours however busy, both factors are asked again."""
    client = registered.signed_in(sato)
    session = client.session
    session[name] -= seconds
    session.save()
    assert not inside(client)
    assert tags() == ["console:person:signed-out"]


def test_polling_does_not_keep_anybody_signed_in(sato: Person) -> None:
    """What a page fetches by itself is no click."""
    client = registered.signed_in(sato)
    session = client.session
    session["last_click"] -= 600
    session.save()
    before = client.session["last_click"]
    client.get("/home/inside/")
    assert client.session["last_click"] == before
    client.get("/")
    assert client.session["last_click"] > before


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "id",
                            "rawId",
                            "type",
                            "response",
                            "clientDataJSON",
                            "authenticatorData",
                            "signature",
                        ]
                    ),
                    inner,
                    max_size=5,
                )
            ),
        ).map(json.dumps),
    )
)
def test_hostile_answers_are_refused_never_an_error(sato: Person, text: str) -> None:
    """Whatever is posted instead of an authenticator's answer is refused, without an error page."""
    now = timezone.now()
    for ask, check in (
        (passkeys.ask_for_proof, passkeys.check_proof),
        (passkeys.ask_for_new, passkeys.check_new),
    ):
        asked = ask(sato, "x", "b", now)
        assert isinstance(check(sato, "x", "b", asked["challenge"], text, now), service.Refused)


def test_broken_answers_are_refused_never_an_error(sato: Person, key: SoftwareKey) -> None:
    """A genuine answer with any one part of it cut short, emptied or of another kind is refused."""
    now = timezone.now()
    for ask, check in (
        (passkeys.ask_for_proof, passkeys.check_proof),
        (passkeys.ask_for_new, passkeys.check_new),
    ):
        asked = ask(sato, "x", "b", now)
        good = json.loads(key.answer(asked))
        for part in good["response"]:
            for broken in (
                "",
                "AAAA",
                "!",
                good["response"][part][:-8],
                good["response"][part][8:],
                7,
                None,
                [],
            ):
                again = ask(sato, "x", "b", now)
                fresh = json.loads(key.answer(again))
                fresh["response"][part] = broken
                answer = check(sato, "x", "b", again["challenge"], json.dumps(fresh), now)
                assert isinstance(answer, service.Refused), (part, broken)


def enrol_up_to_password(client: Client, login: str, code: str, password: str = PASSWORD) -> int:
    client.post("/enrol/", {"login": login, "code": code})
    return client.post("/enrol/password/", {"password": password, "again": password}).status_code


def test_a_code_is_good_for_one_enrolment(client: Client) -> None:
    """Code, password, authenticator: then the code is used up, and both factors are registered together."""
    mori = registered.person("mori", Role.OPERATOR)
    issued = service.issue_enrolment_code(mori, Machine(), timezone.now())
    assert isinstance(issued, service.IssuedCode)
    assert issued.code not in EnrolmentCode.objects.get().code_hash
    assert enrol_up_to_password(client, "mori", issued.shown) == 302
    mori.refresh_from_db()
    assert not mori.has_usable_password()
    key = SoftwareKey()
    asked = question(client, "enrol")
    assert asked["options"]["authenticatorSelection"]["userVerification"] == "required"
    data = {"webauthn_challenge": asked["challenge"], "webauthn_response": key.answer(asked)}
    assert client.post("/enrol/authenticator/", data).status_code == 302
    mori.refresh_from_db()
    assert mori.check_password(PASSWORD)
    assert Passkey.objects.get().person == mori
    assert client.post("/enrol/", {"login": "mori", "code": issued.code}).status_code == 403


def test_enrolment_needs_a_verified_user(client: Client) -> None:
    """An authenticator that did not verify its user is not registered; password and code stay as they were."""
    mori = registered.person("mori", Role.OPERATOR)
    issued = service.issue_enrolment_code(mori, Machine(), timezone.now())
    enrol_up_to_password(client, "mori", issued.code)
    asked = question(client, "enrol")
    answered = SoftwareKey(flags=PRESENT).answer(asked)
    data = {"webauthn_challenge": asked["challenge"], "webauthn_response": answered}
    assert client.post("/enrol/authenticator/", data).status_code == 403
    mori.refresh_from_db()
    assert not mori.has_usable_password()
    assert EnrolmentCode.objects.get().used_at is None


def test_codes_are_not_guessed() -> None:
    """Five tries, right ones counted too, and the code is dead; so it is after 24 hours, or when another is issued."""
    mori = registered.person("mori", Role.OPERATOR)
    now = timezone.now()
    issued = service.issue_enrolment_code(mori, Machine(), now)
    assert isinstance(service.check_code("mori", issued.code, now + timedelta(hours=24)), service.Refused)
    for _ in range(5):
        assert isinstance(service.check_code("mori", "AAAAA-AAAAA", now), service.Refused)
    assert isinstance(service.check_code("mori", issued.code, now), service.Refused)
    second = service.issue_enrolment_code(mori, Machine(), now)
    third = service.issue_enrolment_code(mori, Machine(), now + timedelta(seconds=1))
    assert isinstance(service.check_code("mori", second.code, now + timedelta(seconds=1)), service.Refused)
    assert isinstance(service.check_code("mori", third.code, now + timedelta(seconds=1)), EnrolmentCode)


def test_weak_passwords_are_refused(client: Client) -> None:
    """Short, common and name-like passwords go no further."""
    registered.person("morita-midori", Role.OPERATOR)
    issued = service.issue_enrolment_code(Person.objects.get(), Machine(), timezone.now())
    assert enrol_up_to_password(client, "morita-midori", issued.code, "short") == 200
    assert enrol_up_to_password(client, "morita-midori", "", "morita-midori1") == 200
    assert enrol_up_to_password(client, "morita-midori", "", "qwerty123456") == 200


def test_an_enrolment_half_done_gives_no_sign_in(client: Client) -> None:
    """The code opens enrolment and nothing else."""
    mori = registered.person("mori", Role.OPERATOR)
    issued = service.issue_enrolment_code(mori, Machine(), timezone.now())
    enrol_up_to_password(client, "mori", issued.code)
    assert not inside(client)
    assert client.get("/sign-in/authenticator/").status_code == 302
    assert client.post("/authenticator/challenge/", {"purpose": "sign-in"}).status_code == 403
    assert client.post("/authenticator/challenge/", {"purpose": "confirm:open-line:a"}).status_code == 403
