"""WebAuthn as this product demands it: user verification required, one host name, one origin, each challenge once.

Built on py_webauthn, which checks the signature, the origin, the relying party, the flags and that the
sign counter rises. Here: which challenge, whose credential, and that a counter is kept.
"""

import json
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

import webauthn
from django.conf import settings
from django.db import transaction
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Challenge, Passkey, Person

CHALLENGE_LIVES = timedelta(seconds=60)
MAX_RESPONSE = 16_384
"""Characters. A response is about 1,000; what is larger is not read."""

_MALFORMED = (
    WebAuthnException,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    struct.error,
)
"""What py_webauthn raises for a response that a browser would not have made."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A credential that an authenticator has just made, verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def browser_of(session_key: str | None) -> str:
    """How a challenge remembers the browser that asked. ValueError without a session."""
    if not session_key:
        raise ValueError("a challenge needs a session")
    return sha256(session_key.encode()).hexdigest()


def ask_for_new(person: Person, purpose: str, browser: str, now: datetime) -> dict[str, Any]:
    """What the browser's `credentials.create` needs, with a fresh challenge kept here."""
    challenge = _issue(person, purpose, browser, now)
    options = webauthn.generate_registration_options(
        rp_id=settings.SEKISHO.options.host_name,
        rp_name="関所 Sekisho",
        user_id=sha256(person.login.encode()).digest(),
        user_name=person.login,
        user_display_name=person.name,
        challenge=bytes(challenge.value),
        timeout=int(CHALLENGE_LIVES.total_seconds() * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_descriptors(person),
    )
    return _for_browser("create", challenge, webauthn.options_to_json(options))


def ask_for_proof(person: Person, purpose: str, browser: str, now: datetime) -> dict[str, Any]:
    """What the browser's `credentials.get` needs, with a fresh challenge kept here."""
    challenge = _issue(person, purpose, browser, now)
    options = webauthn.generate_authentication_options(
        rp_id=settings.SEKISHO.options.host_name,
        challenge=bytes(challenge.value),
        timeout=int(CHALLENGE_LIVES.total_seconds() * 1000),
        allow_credentials=_descriptors(person),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _for_browser("get", challenge, webauthn.options_to_json(options))


def check_new(
    person: Person, purpose: str, browser: str, challenge: str, response: str, now: datetime
) -> NewPasskey | Refused:
    """Verifies what `credentials.create` answered. The challenge is used up, whatever the answer."""
    value = _take(person, purpose, browser, challenge, now)
    if value is None:
        return _TOO_LATE
    if len(response) > MAX_RESPONSE:
        return _NOT_VERIFIED
    try:
        made = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=value,
            expected_rp_id=settings.SEKISHO.options.host_name,
            expected_origin=settings.SEKISHO.console_url,
            require_user_verification=True,
        )
    except _MALFORMED:
        return _NOT_VERIFIED
    if Passkey.objects.filter(credential_id=made.credential_id).exists():
        return _KNOWN_ALREADY
    return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)


def check_proof(
    person: Person, purpose: str, browser: str, challenge: str, response: str, now: datetime
) -> Passkey | Refused:
    """Verifies what `credentials.get` answered: one of this person's own authenticators, user verified.

    The challenge is used up, whatever the answer; the credential's counter is kept under a lock, so that of
    two answers with the same counter only one counts.
    """
    value = _take(person, purpose, browser, challenge, now)
    if value is None:
        return _TOO_LATE
    with transaction.atomic():
        passkey = _named_in(response, person)
        if passkey is None:
            return _NOT_VERIFIED
        try:
            proof = webauthn.verify_authentication_response(
                credential=response,
                expected_challenge=value,
                expected_rp_id=settings.SEKISHO.options.host_name,
                expected_origin=settings.SEKISHO.console_url,
                credential_public_key=bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _MALFORMED:
            return _NOT_VERIFIED
        passkey.sign_count = proof.new_sign_count
        passkey.save(update_fields=["sign_count"])
        return passkey


def fingerprint(passkey: Passkey) -> str:
    """How evidence names a passkey."""
    return sha256(bytes(passkey.credential_id)).hexdigest()[:32]


def usable_by(person: Person) -> "list[Passkey]":
    """The person's passkeys that were not revoked."""
    return list(Passkey.objects.filter(person=person, revoked_at=None).order_by("registered_at"))


def _issue(person: Person, purpose: str, browser: str, now: datetime) -> Challenge:
    Challenge.objects.filter(expires_at__lt=now).delete()
    return Challenge.objects.create(
        id=uuid4(),
        value=token_bytes(32),
        purpose=purpose,
        person=person,
        browser=browser,
        expires_at=now + CHALLENGE_LIVES,
    )


def _take(person: Person, purpose: str, browser: str, challenge: str, now: datetime) -> bytes | None:
    try:
        name = UUID(challenge)
    except ValueError:
        return None
    with transaction.atomic():
        row = Challenge.objects.select_for_update().filter(id=name).first()
        if row is None:
            return None
        row.delete()
    asked = (row.purpose, row.person_id, row.browser) == (purpose, person.pk, browser)
    return bytes(row.value) if asked and row.expires_at > now else None


def _named_in(response: str, person: Person) -> Passkey | None:
    if len(response) > MAX_RESPONSE:
        return None
    try:
        credential_id = webauthn.base64url_to_bytes(json.loads(response)["rawId"])
    except _MALFORMED:
        return None
    usable = Passkey.objects.select_for_update().filter(person=person, revoked_at=None)
    return usable.filter(credential_id=credential_id).first()


def _descriptors(person: Person) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=bytes(each.credential_id)) for each in usable_by(person)]


def _for_browser(mode: str, challenge: Challenge, options: str) -> dict[str, Any]:
    return {"mode": mode, "challenge": str(challenge.id), "options": json.loads(options)}


def _refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))


_TOO_LATE = _refused(
    "challenge-gone",
    "確認の期限(60秒)が過ぎたか、すでに使われています。もう一度、最初から操作してください。",
    "The confirmation ran out (60 seconds) or was used already. Please start this step again.",
)
_NOT_VERIFIED = _refused(
    "authenticator-refused",
    "認証器で本人を確認できませんでした。登録済みの認証器を使い、指紋、顔またはPINで確認してください。"
    "触れるだけの確認では通りません。",
    "The authenticator did not verify you. Use a registered one, with fingerprint, face or PIN; a touch alone"
    " is not enough.",
)
_KNOWN_ALREADY = _refused(
    "authenticator-known",
    "この認証器はすでに登録されています。別の認証器を使ってください。",
    "This authenticator is registered already. Use another one.",
)
