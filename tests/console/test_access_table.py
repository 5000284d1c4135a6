"""Every URL with every role, against the table of what is allowed."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from sekisho.console.access_table import allowed, open_names, rows
from sekisho.evidence.models import OutboxRecord
from sekisho.people.roles import CITY, CONTRACTORS, EVERYBODY, Role
from tests.people.registered import person, signed_in

DUMMIES = {"slug": "nothing", "str": "nothing", "int": 1, "uuid": UUID(int=1), "path": "nothing"}
SYSTEMS_ALONE = {
    "access:line-open",
    "access:line-close",
    "access:latch-release",
    "access:cut-everything",
    "people:person-new",
    "people:issue-code",
    "people:suspend",
    "people:add-key",
    "people:revoke-passkey",
    "people:revoke-key",
    "people:certify-terminal",
    "people:revoke-terminal",
}


def _patterns(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each, f"{each.namespace}:" if each.namespace else space)
        else:
            yield f"{space}{each.name}", each


def _urls() -> dict[str, str]:
    """Every named URL of the product, with stand-ins for its arguments."""
    found = {}
    for name, pattern in _patterns(get_resolver()):
        assert pattern.name, f"a URL without a name cannot be in the table: {pattern}"
        arguments = {key: _stand_in(converter) for key, converter in pattern.pattern.converters.items()}
        found[name] = reverse(name, kwargs={**arguments, **pattern.default_args})
    return found


def _stand_in(converter: object) -> object:
    return DUMMIES[type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")]


def test_every_url_has_a_row_and_every_row_a_url() -> None:
    """Nothing is reachable that the table does not name; the table names nothing that is not there."""
    assert set(_urls()) == set(rows()) | open_names()


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_exactly_its_own(role: Role) -> None:
    """Allowed pages answer; all others answer 403 to GET and POST, and leave nothing behind."""
    client = signed_in(person(f"a-{role.value}", role))
    for name, url in _urls().items():
        if name in open_names():
            continue
        status = client.get(url).status_code
        assert (status != 403) == allowed(name, role), f"{role} GET {name}: {status}"
        if not allowed(name, role):
            assert client.post(url).status_code == 403, f"{role} POST {name}"
    tags = [bytes(each.payload) for each in OutboxRecord.objects.all()]
    assert not [tag for tag in tags if b'"tag":"city:' in tag or b'"tag":"contractor:' in tag]


@pytest.mark.django_db
def test_whoever_has_not_signed_in_is_sent_to_the_door() -> None:
    """Without sign-in every other URL leads to the sign-in page, whatever the method."""
    client = Client(headers={"host": "localhost"})
    for name, url in _urls().items():
        if name not in open_names():
            for answer in (client.get(url), client.post(url)):
                assert answer.status_code == 302, name
                assert answer.headers["Location"].startswith("/sign-in/"), name


@pytest.mark.django_db
def test_a_url_without_a_row_is_closed_to_everybody(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view somebody forgot to enter in the table answers 403, whoever asks."""
    from django.http import HttpResponse

    resolver = get_resolver()
    stray = path("forgotten/", lambda request: HttpResponse("open!"), name="forgotten")
    monkeypatch.setattr(resolver, "url_patterns", [stray, *resolver.url_patterns])
    for role in Role:
        assert signed_in(person(f"b-{role.value}", role)).get("/forgotten/").status_code == 403
    assert Client(headers={"host": "localhost"}).get("/forgotten/").status_code == 302


def test_what_the_table_must_never_say() -> None:
    """The doctrine: the switch is the systems division's alone; contractors touch neither register nor evidence."""
    for name in SYSTEMS_ALONE:
        assert rows()[name] == {Role.SYSTEMS}, name
    for name, roles in rows().items():
        if name.startswith("people:") or name in ("access:evidence", "access:latch-list"):
            assert not roles & CONTRACTORS, name
        if name in ("access:permit-approve", "access:permit-return", "access:permit-extend"):
            assert roles == {Role.DIVISION}, name
        if name in ("access:session-cast", "access:session-live"):
            assert not roles & (CONTRACTORS | {Role.COUNCIL, Role.CLERK}), name
    assert rows()["console:home"] == EVERYBODY
    assert rows()["console:inside"] == CITY
