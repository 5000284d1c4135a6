"""People for tests: registered, enrolled, and signed in to a test client as if both factors had been given."""

from dataclasses import dataclass

from django.test import Client
from django.utils import timezone

from sekisho.people.models import Contractor, Division, Passkey, Person
from sekisho.people.roles import Role
from tests.people.software_key import SoftwareKey

PASSWORD = "kitsune-wa-hashi-wo-wataru"


@dataclass(frozen=True)
class Machine:
    """Whoever runs the command line."""

    actor: str = "os-user:test"


def person(login: str, role: Role = Role.SYSTEMS, password: str | None = None) -> Person:
    """A person of that role. Hashing a password takes a while: only where it is needed."""
    where: dict[str, object] = {}
    if role.of_contractor:
        names = {"name": "しおさいシステムズ", "name_en": "Shiosai Systems"}
        where["contractor"] = Contractor.objects.get_or_create(code="shiosai", defaults=names)[0]
    elif role is not Role.COUNCIL:
        names = {"name": "情報政策課", "name_en": "Information Policy Division"}
        where["division"] = Division.objects.get_or_create(code="joho", defaults=names)[0]
    made = Person(login=login, name=login, furigana=login, role=role.value, **where)
    made.set_password(password) if password else made.set_unusable_password()
    made.save()
    return made


def passkey(whose: Person, key: SoftwareKey | None = None) -> Passkey:
    """The authenticator of a person, in the register."""
    key = key or SoftwareKey()
    return Passkey.objects.create(
        person=whose,
        credential_id=key.credential_id,
        public_key=key.public_key,
        sign_count=key.counter,
        label="test",
        registered_at=timezone.now(),
    )


def signed_in(whose: Person, *, csrf: bool = False) -> Client:
    """A client of a person who has passed both factors just now."""
    client = Client(enforce_csrf_checks=csrf, headers={"host": "localhost"})
    client.force_login(whose)
    session = client.session
    mine = Passkey.objects.filter(person=whose, revoked_at=None).first() or passkey(whose)
    session["passkey"] = mine.pk
    session["signed_in_at"] = session["last_click"] = timezone.now().timestamp()
    session.save()
    return client
