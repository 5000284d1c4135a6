"""The verbs of people: who exists, who is suspended, which authenticators count, what happened at the door.

Each is one transaction with one evidence record. `by` is a Person or whoever runs the command line: anything
with an `actor`. Of the console's people only the systems division may change the register.
"""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal

from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused
from sekisho.people.kana import hiragana
from sekisho.people.models import (
    Contractor,
    Division,
    EnrolmentCode,
    Passkey,
    Person,
    SshAuthenticator,
)
from sekisho.people.passkeys import NewPasskey, fingerprint
from sekisho.people.roles import Role
from sekisho.people.sentences import (
    ALREADY_REVOKED,
    ALREADY_SUSPENDED,
    BAD_ENTRY,
    KEY_TAKEN,
    LOGIN_TAKEN,
    NOT_ONESELF,
    OPERATORS_ONLY,
    SUSPENDED,
    SYSTEMS_ONLY,
    WRONG_CODE,
    WRONG_SIDE,
)
from sekisho.people.ssh_keys import BadKey, sk_public_key

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 10
CODE_LIVES = timedelta(hours=24)
CODE_TRIES = 5


class Actor(Protocol):
    """Who does something, as evidence names him: `person:LOGIN`, `os-user:NAME`."""

    @property
    def actor(self) -> str: ...


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code in clear: it exists here, on one screen or slip of paper, and never again."""

    code: str
    expires_at: datetime

    @property
    def shown(self) -> str:
        """`ABCDE-FGHJK`, as it is read out or copied."""
        return f"{self.code[:5]}-{self.code[5:]}"


def register_person(
    login: str,
    *,
    name: str,
    furigana: str,
    role: Role,
    division: Division | None = None,
    contractor: Contractor | None = None,
    by: Actor,
    now: datetime,
) -> Person | Refused:
    """Enters a person. City people belong to a division or to none (council), contractor's people to theirs."""
    if refused := may_not(by):
        return refused
    if role.of_contractor != (contractor is not None) or (contractor and division):
        return WRONG_SIDE
    person = Person(
        login=login,
        name=name.strip(),
        furigana=hiragana(furigana),
        role=role.value,
        division=division,
        contractor=contractor,
    )
    person.set_unusable_password()
    try:
        person.clean_fields()
    except ValidationError:
        return BAD_ENTRY
    with transaction.atomic():
        if Person.objects.filter(login=login).exists():
            return LOGIN_TAKEN
        person.save()
        belongs = division or contractor
        detail = {"role": role.value, "belongs_to": belongs.code if belongs else ""}
        record(Tag.PERSON_REGISTERED, actor=by.actor, subjects=[person.actor], at=now, detail=detail)
        return person


def suspend_person(person: Person, by: Actor, now: datetime) -> Person | Refused:
    """Ends everything a person may do, at once: the console on the next request, the gate on its next look."""
    if refused := may_not(by):
        return refused
    if by.actor == person.actor:
        return NOT_ONESELF
    with transaction.atomic():
        row = Person.objects.select_for_update().get(pk=person.pk)
        if not row.is_active:
            return ALREADY_SUSPENDED
        row.is_active = False
        row.save(update_fields=["is_active"])
        _void_codes(row, now)
        record(Tag.PERSON_SUSPENDED, actor=by.actor, subjects=[row.actor], at=now)
        return row


def issue_enrolment_code(person: Person, by: Actor, now: datetime) -> IssuedCode | Refused:
    """A one-time code to hand over at the counter, after looking at the person's papers. Voids earlier ones."""
    if refused := may_not(by):
        return refused
    if by.actor == person.actor:
        return NOT_ONESELF
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    issued = IssuedCode(code, now + CODE_LIVES)
    with transaction.atomic():
        row = Person.objects.select_for_update().get(pk=person.pk)
        if not row.is_active:
            return SUSPENDED
        _void_codes(row, now)
        EnrolmentCode.objects.create(
            person=row,
            code_hash=make_password(code),
            issued_by=by.actor,
            issued_at=now,
            expires_at=issued.expires_at,
        )
        record(Tag.CODE_ISSUED, actor=by.actor, subjects=[row.actor], at=now)
        return issued


def check_code(login: str, code: str, now: datetime) -> EnrolmentCode | Refused:
    """The code that may be used now. One answer for every kind of wrong; a try is counted before it is judged."""
    typed = unicodedata.normalize("NFKC", code).upper().replace("-", "").replace(" ", "")
    with transaction.atomic():
        row = _open_codes(now).select_for_update(of=("self",)).filter(person__login=login).first()
        if row is not None:
            row.tries += 1
            row.save(update_fields=["tries"])
    if row is None:
        make_password(typed)  # costs the same as a code that exists
        return WRONG_CODE
    return row if check_password(typed, row.code_hash) else WRONG_CODE


def enrol(
    code: EnrolmentCode, password_hash: str, new: NewPasskey, label: str, now: datetime
) -> Passkey | Refused:
    """Uses up the code: the person's password and a first or further passkey, both or neither.

    `password_hash` is `make_password` of a password that the validators passed. A changed password ends every
    session signed in with the old one.
    """
    with transaction.atomic():
        row = EnrolmentCode.objects.select_for_update(of=("self",)).select_related("person").get(pk=code.pk)
        if row.used_at is not None or row.expires_at <= now or not row.person.is_active:
            return WRONG_CODE
        row.used_at = now
        row.save(update_fields=["used_at"])
        row.person.password = password_hash
        row.person.save(update_fields=["password"])
        passkey = Passkey.objects.create(
            person=row.person,
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            label=label,
            registered_at=now,
        )
        detail = {"kind": "passkey", "fingerprint": fingerprint(passkey)}
        actor = row.person.actor
        record(Tag.AUTHENTICATOR_ENROLLED, actor=actor, subjects=[actor], at=now, detail=detail)
        return passkey


def register_ssh_authenticator(
    person: Person, line: str, by: Actor, now: datetime
) -> SshAuthenticator | Refused:
    """An operator's FIDO2 key for the gate, from the `.pub` line shown at the counter."""
    if refused := may_not(by):
        return refused
    if person.role_of is not Role.OPERATOR:
        return OPERATORS_ONLY
    try:
        public_key = sk_public_key(line)
    except BadKey as error:
        return Refused((Reason("bad-key", error.text),))
    with transaction.atomic():
        if SshAuthenticator.objects.filter(public_key=public_key).exists():
            return KEY_TAKEN
        row = SshAuthenticator.objects.create(person=person, public_key=public_key, registered_at=now)
        detail = {"kind": "ssh", "fingerprint": sha256(public_key.encode()).hexdigest()[:32]}
        record(Tag.AUTHENTICATOR_ENROLLED, actor=by.actor, subjects=[person.actor], at=now, detail=detail)
        return row


def revoke_authenticator(which: Passkey | SshAuthenticator, by: Actor, now: datetime) -> Refused | None:
    """Ends one authenticator, lost or returned. Sessions signed in with that passkey end at once."""
    if refused := may_not(by):
        return refused
    with transaction.atomic():
        row = type(which).objects.select_for_update().get(pk=which.pk)
        if row.revoked_at is not None:
            return ALREADY_REVOKED
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        if isinstance(row, Passkey):
            detail = {"kind": "passkey", "fingerprint": fingerprint(row)}
        else:
            detail = {"kind": "ssh", "fingerprint": sha256(row.public_key.encode()).hexdigest()[:32]}
        subjects = [row.person.actor]
        record(Tag.AUTHENTICATOR_REVOKED, actor=by.actor, subjects=subjects, at=now, detail=detail)
        return None


def note_signed_in(passkey: Passkey, now: datetime) -> None:
    """Both factors were given."""
    actor = passkey.person.actor
    with transaction.atomic():
        Person.objects.filter(pk=passkey.person_id).update(last_login=now)
        detail = {"fingerprint": fingerprint(passkey)}
        record(Tag.PERSON_SIGNED_IN, actor=actor, subjects=[actor], at=now, detail=detail)


def note_refused(login: str, step: str, now: datetime) -> None:
    """A wrong password, code or authenticator. An unknown login is kept only as a digest: people mistype secrets."""
    known = Person.objects.filter(login=login).first()
    detail = {"step": step} if known else {"step": step, "login_sha256": sha256(login.encode()).hexdigest()}
    subjects = [known.actor] if known else []
    with transaction.atomic():
        record(Tag.PERSON_SIGN_IN_REFUSED, actor="console", subjects=subjects, at=now, detail=detail)


SIGNED_OUT = Signal()
"""Sent inside the transaction of every sign-out, with `person` and `now`, to the rooms above."""


def note_signed_out(person: Person, why: str, now: datetime) -> None:
    """`why`: `asked`, `idle`, `too-long`, `revoked`."""
    with transaction.atomic():
        subjects = [person.actor]
        record(Tag.PERSON_SIGNED_OUT, actor=person.actor, subjects=subjects, at=now, detail={"why": why})
        SIGNED_OUT.send(Person, person=person, now=now)


def note_confirmed(passkey: Passkey, action: str, of: str, now: datetime) -> None:
    """A fresh biometric for one dangerous verb on one thing."""
    actor = passkey.person.actor
    detail = {"action": action, "object": of, "fingerprint": fingerprint(passkey)}
    with transaction.atomic():
        record(Tag.PERSON_CONFIRMED, actor=actor, subjects=[actor], at=now, detail=detail)


def may_not(by: Actor) -> Refused | None:
    """The register is changed by the systems division, or on the machine itself."""
    if isinstance(by, Person) and (by.role_of is not Role.SYSTEMS or not by.is_active):
        return SYSTEMS_ONLY
    return None


def _open_codes(now: datetime) -> QuerySet[EnrolmentCode]:
    return EnrolmentCode.objects.filter(
        used_at=None, expires_at__gt=now, tries__lt=CODE_TRIES, person__is_active=True
    ).order_by("-issued_at")


def _void_codes(person: Person, now: datetime) -> None:
    EnrolmentCode.objects.filter(person=person, used_at=None, expires_at__gt=now).update(expires_at=now)
